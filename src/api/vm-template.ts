import * as z from 'zod';

import { cel, type CelRule } from './fields.ts';
import { templateRules, vmSpecFields } from './vm-spec.ts';

/**
 * The spec of a VM as a pool has it. Everything in it may be changed: members that cannot be changed are replaced. How
 * long members live, and what becomes of their VMs, is the pool's.
 */

function isTransitionRule({ rule }: CelRule): boolean {
  return rule.includes('oldSelf');
}

/** The field as it is, but for rules about what it was before, and what its description says of them. */
function changeable<T extends z.ZodType>(field: T): T {
  const { description = '', ...meta } = field.meta() ?? {};
  const rules = (meta['x-kubernetes-validations'] ?? []) as CelRule[];
  const isText = (sentence: string): boolean => !/^(Cannot be changed|Can grow)/.test(sentence);
  const sentences = description.split(/(?<=\.) /).filter(isText);
  return field.meta({ ...cel(...rules.filter((rule) => !isTransitionRule(rule))), description: sentences.join(' ') });
}

const perVm = ['deletionPolicy', 'expireAfter', 'schedule', 'service'] as const;

function withoutPerVm(fields: typeof vmSpecFields): Omit<typeof vmSpecFields, (typeof perVm)[number]> {
  const left: Partial<typeof vmSpecFields> = { ...fields };
  for (const name of perVm) Reflect.deleteProperty(left, name);
  return left as Omit<typeof vmSpecFields, (typeof perVm)[number]>;
}

const fields = withoutPerVm(vmSpecFields);

const templateSpecField = z
  .object({
    ...fields,
    accountName: changeable(fields.accountName),
    storageGB: changeable(fields.storageGB),
    operatingSystem: changeable(fields.operatingSystem),
    ports: changeable(fields.ports),
  })
  .meta(cel(...templateRules))
  .describe('The VM of each member.');
export type VmTemplateSpec = z.infer<typeof templateSpecField>;

/** What the operator says with its own names, such as which pool a member is of, no template may say in its place. */
const noNamesOfOurs = cel({
  rule: "self.all(key, !key.startsWith('gpuvm.dev/'))",
  message: 'labels and annotations that begin with gpuvm.dev/ are the own ones of the operator: remove them',
  reason: 'FieldValueForbidden',
});

const metadataValues = z.record(z.string().max(317), z.string().max(1024));

export const vmTemplateField = z
  .object({
    metadata: z
      .object({
        labels: z
          .record(z.string().max(317), z.string().max(63))
          .meta({ maxProperties: 32, ...noNamesOfOurs })
          .optional()
          .describe('Labels of each member.'),
        annotations: metadataValues
          .meta({ maxProperties: 32, ...noNamesOfOurs })
          .optional()
          .describe('Annotations of each member.'),
      })
      .default({})
      .describe('What each member carries. A change is made to the members, and replaces none.'),
    spec: templateSpecField,
  })
  .describe(
    'What each member is made from. What can be changed of a VM that exists (powerState, maxHourlyPrice, readinessProbe, priority) is changed in place; any other change replaces the members.',
  );
export type VmTemplate = z.infer<typeof vmTemplateField>;
