import * as z from 'zod';

import { durationPattern } from '../lib/duration.ts';
import { moneyPattern } from '../lib/money.ts';

/**
 * Building blocks of the kinds' schemas. Each carries its documentation (`kubectl explain`) and what the API server can
 * check by itself, so that a bad manifest is refused at `kubectl apply`.
 */

/** One CEL rule of `x-kubernetes-validations`. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  /** FieldValueDuplicate is not among them: the API server then leaves out the message. */
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired';
}

export function cel(...rules: CelRule[]): { 'x-kubernetes-validations': CelRule[] } {
  return { 'x-kubernetes-validations': rules };
}

/** For a field of the design that this release does not carry out yet: refused rather than silently ignored. */
export function notYet(field: string): { 'x-kubernetes-validations': CelRule[] } {
  return cel({
    rule: 'false',
    message: `${field} is not supported by this release of gpuvm-operator yet: remove the field`,
    reason: 'FieldValueForbidden',
  });
}

export function immutable(what: string): CelRule {
  return {
    rule: 'self == oldSelf',
    message: `${what} cannot be changed: delete the resource and create it anew`,
    reason: 'FieldValueForbidden',
  };
}

/** US dollars as a decimal string, such as "0.80". */
export const moneyField = z.string().max(20).regex(new RegExp(moneyPattern));

/** A positive amount of US dollars. */
export const positiveMoneyField = moneyField.meta(
  cel({
    rule: "self.matches('^[0-9.]*[1-9][0-9.]*$')",
    message: 'must be more than zero: dollars as a decimal string, such as "0.80"',
  }),
);

/** The rule repeats the pattern in words, since the API server quotes a pattern as it is. */
export const durationField = z
  .string()
  .max(30)
  .regex(new RegExp(durationPattern))
  .meta(
    cel({ rule: `self.matches('${durationPattern}')`, message: 'must be a duration, such as "90s", "30m" or "1h30m"' }),
  );

/** Name of an object (RFC 1123 subdomain). */
export const objectNameField = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);

/** Name of a namespace (RFC 1123 label). */
export const namespaceField = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);

/** As for the names of container ports. Also bounds what a CEL rule over them may cost. */
export const longestPortName = 15;

/** Key of a Secret or ConfigMap. */
export const dataKeyField = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[-._a-zA-Z0-9]+$/);

export const secretKeyRef = z.object({
  name: objectNameField.describe('Name of a Secret in the same namespace.'),
  key: dataKeyField.describe('Key of the Secret that holds the value.'),
});

export const configMapKeyRef = z.object({
  name: objectNameField.describe('Name of a ConfigMap in the same namespace.'),
  key: dataKeyField.describe('Key of the ConfigMap that holds the value.'),
});

/** RFC 3339 time, as the API server writes metav1.Time. */
export const timeField = z.string().max(64).meta({ format: 'date-time' });
