import { conditionColumn } from './columns.ts';
import { cel } from './fields.ts';
import type { CelRule } from './fields.ts';
import type { PrinterColumn } from './kind.ts';

/** What `kubectl get` shows of every kind that stands for one VM, and what the API server checks of the object itself. */

export const vmRootRules: readonly CelRule[] = cel(
  {
    rule: 'self.metadata.name.size() <= 200',
    message: 'metadata.name may have at most 200 characters: the connection Secret adds a suffix',
  },
  {
    rule: "!has(self.spec.service) || has(self.spec.service.name) || (self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$'))",
    message: 'the name of the resource is no name for a Service: give spec.service.name',
  },
)['x-kubernetes-validations'];

export const vmColumns: readonly PrinterColumn[] = [
  conditionColumn('Ready', 'status', { name: 'Ready', description: 'Whether the VM works.' }),
  conditionColumn('Ready', 'reason', { name: 'Status', description: 'What is going on, in one word.' }),
  { name: 'GPU', type: 'string', jsonPath: '.status.gpu', description: 'Number and model.' },
  { name: 'Location', type: 'string', jsonPath: '.status.location', description: 'Where it is.' },
  {
    name: '$/h',
    type: 'string',
    jsonPath: '.status.hourlyPrice.billedNow',
    description: 'What is billed now per hour.',
  },
  { name: 'Address', type: 'string', jsonPath: '.status.address', description: 'How to reach it.' },
];

/** With `-o wide`. */
export const vmWideColumns: readonly PrinterColumn[] = [
  { name: 'SSH', type: 'string', jsonPath: '.status.ssh', description: 'Command that logs in.', priority: 1 },
  { name: 'VM', type: 'string', jsonPath: '.status.vm.id', description: "The provider's id.", priority: 1 },
  { name: 'Host', type: 'string', jsonPath: '.status.vm.hostnode', description: 'The host it is on.', priority: 1 },
  {
    name: 'Next',
    type: 'string',
    jsonPath: '.status.nextEvent.what',
    description: 'What happens next by the clock.',
    priority: 1,
  },
  { name: 'At', type: 'string', jsonPath: '.status.nextEvent.at', description: 'And when.', priority: 1 },
  conditionColumn('Synced', 'status', {
    name: 'Synced',
    description: 'Whether the last reconcile went through.',
    priority: 1,
  }),
  conditionColumn('Ready', 'message', { name: 'Message', description: 'The same in a sentence.', priority: 1 }),
];
