import type { NewObject } from '../../contract.ts';

/** An Event that the API server accepts. */
export function newEvent(namespace: string, name: string, more: object = {}): NewObject {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { namespace, name },
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'gpuvm.dev/operator',
    reportingInstance: 'pod-1',
    type: 'Normal',
    reason: 'Launched',
    action: 'Launch',
    note: 'The VM was launched.',
    regarding: { apiVersion: 'test.gpuvm.dev/v1', kind: 'Widget', namespace, name: 'a' },
    ...more,
  };
}
