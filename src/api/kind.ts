import type { z } from 'zod';

import type { CelRule } from './fields.ts';

/** One kind of the API: everything from which its CRD, its types and its reference page are made. */
export interface KindDefinition {
  readonly type: {
    readonly group: string;
    readonly version: string;
    readonly plural: string;
    readonly kind: string;
    readonly namespaced: boolean;
  };
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** First line of `kubectl explain`. */
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  /** CEL rules over the whole object. */
  readonly rootRules: readonly CelRule[];
  /** Makes `kubectl scale` and autoscalers work: where in the object each is. */
  readonly scale?: {
    readonly specReplicasPath: string;
    readonly statusReplicasPath: string;
    readonly labelSelectorPath: string;
  };
  /** In the order of `kubectl get`; priority 1 only with `-o wide`. */
  readonly columns: readonly PrinterColumn[];
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date' | 'boolean' | 'number';
  readonly jsonPath: string;
  readonly description: string;
  readonly priority?: 1;
}
