import type { CustomObject } from '../../controllers/objects.ts';
import { isKubeError, type KubeObject, type ResourceType } from '../../kube/contract.ts';
import type { Session } from './session.ts';

/** As commands show it. */
export interface KubeEvent {
  readonly at: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

interface EventObject extends KubeObject {
  readonly eventTime?: string | null;
  readonly deprecatedLastTimestamp?: string | null;
  readonly series?: { readonly lastObservedTime?: string } | null;
  readonly type?: string;
  readonly reason?: string;
  readonly note?: string;
}

const eventType: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

/** The last Events of a resource, the newest last; none where they may not be read, since they are no more than a help. */
export async function lastEvents({ kube }: Session, object: CustomObject, most: number): Promise<readonly KubeEvent[]> {
  const { uid, namespace = 'default' } = object.metadata;
  try {
    const { items } = await kube.list<EventObject>(eventType, { namespace, fieldSelector: `regarding.uid=${uid}` });
    const events = items.map(shown).toSorted((a, b) => (a.at < b.at ? -1 : 1));
    return events.slice(-most);
  } catch (error) {
    if (isKubeError(error, 'forbidden', 'invalid', 'notFound')) return [];
    throw error;
  }
}

function shown({ eventTime, deprecatedLastTimestamp, series, metadata, type, reason, note }: EventObject): KubeEvent {
  const at = series?.lastObservedTime ?? eventTime ?? deprecatedLastTimestamp ?? metadata.creationTimestamp ?? '';
  return { at, type: type ?? '', reason: reason ?? '', message: note ?? '' };
}
