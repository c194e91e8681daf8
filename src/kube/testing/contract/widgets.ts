import { KubeError, type KubeApi, type KubeObject, type NewObject, type ResourceType } from '../../contract.ts';

/** A custom kind for the contract suite. */

export const widgetType: ResourceType = {
  group: 'test.gpuvm.dev',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
  namespaced: true,
};

export interface Widget extends KubeObject {
  readonly spec?: {
    readonly size?: number;
    readonly box?: { readonly lid?: string; readonly labels?: Readonly<Record<string, string>> };
  };
  readonly status?: { readonly phase?: string; readonly note?: string; readonly checks?: readonly object[] };
}

const text = { type: 'string' };

const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        size: { type: 'integer', minimum: 0 },
        box: {
          type: 'object',
          properties: {
            lid: { type: 'string', enum: ['open', 'closed'], default: 'closed' },
            labels: { type: 'object', additionalProperties: text },
          },
        },
      },
    },
    status: {
      type: 'object',
      properties: {
        phase: text,
        note: text,
        checks: {
          type: 'array',
          items: {
            type: 'object',
            properties: { name: text, at: { type: 'string', format: 'date-time' } },
            required: ['name'],
          },
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
        },
      },
    },
  },
};

export const widgetDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${widgetType.plural}.${widgetType.group}` },
  spec: {
    group: widgetType.group,
    scope: 'Namespaced',
    names: { plural: widgetType.plural, singular: 'widget', kind: widgetType.kind, listKind: 'WidgetList' },
    versions: [
      { name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: schema } },
    ],
  },
} as const;

export function newWidget(namespace: string, name: string, more: Partial<NewObject> = {}): NewObject {
  const { metadata, ...fields } = more;
  return {
    apiVersion: 'test.gpuvm.dev/v1',
    kind: 'Widget',
    metadata: { ...metadata, namespace, name },
    spec: { size: 1 },
    ...fields,
  };
}

export interface ApiUnderTest {
  readonly api: KubeApi;
  /** A namespace that no other test uses. */
  readonly newNamespace: () => Promise<string>;
  /** Makes the server forget how Events came about, but for the last two writes at most. Absent: it cannot be made to. */
  readonly forgetEvents: (() => Promise<void>) | undefined;
}

/** Why the call failed: "conflict 409"; "none" when it did not. */
export async function failureOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'none';
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return `${error.kind} ${String(error.httpStatus)}`;
  }
}
