import { conditionOf, type Condition, type ConditionDraft } from '../../api/conditions.ts';
import type { Reason } from '../../api/reasons.ts';
import type { EndpointView } from './endpoints.ts';

/** What the status of a resource with spec.service says of it. */
export interface ServiceFact {
  /** Absent while there is none that is the resource's. */
  readonly serviceName?: string | undefined;
  readonly published: ConditionDraft;
}

export function conflictFact(message: string): ServiceFact {
  return { published: published('False', 'ServiceConflict', message) };
}

export function refusedFact(name: string, why: string): ServiceFact {
  const message = `The API server refuses what Service "${name}" needs; tried again by itself: ${why}`;
  return { published: published('False', 'ServiceRefused', message) };
}

/** Of a Service that is as it is to be. */
export function serviceFact(serviceName: string, views: readonly EndpointView[], isPool: boolean): ServiceFact {
  const ready = views.filter(({ kind }) => kind === 'endpoint').length;
  const unfit = views.find((view) => view.kind === 'unfit');
  const whom = isPool ? `${ready} of ${views.length} members` : 'the VM';
  if (unfit !== undefined) {
    const reach = ready === 0 ? 'leads nowhere' : `leads to ${whom}`;
    const what = isPool ? 'one that is Ready cannot be published' : 'the VM is Ready, but cannot be published';
    return {
      serviceName,
      published: published('False', 'NotPublishable', `Service "${serviceName}" ${reach}: ${what}, as ${unfit.why}.`),
    };
  }
  if (ready > 0)
    return { serviceName, published: published('True', 'Published', `Service "${serviceName}" leads to ${whom}.`) };
  const until = isPool ? 'a member' : 'the VM';
  return {
    serviceName,
    published: published('False', 'NothingReady', `Service "${serviceName}" leads nowhere until ${until} is Ready.`),
  };
}

/** What the conditions of a resource say of its Service, if its spec asks for one; what was said stands until it was looked at. */
export function publishedDrafts(
  service: object | undefined,
  fact: ServiceFact | undefined,
  before: readonly Condition[],
): ConditionDraft[] {
  if (service === undefined) return [];
  if (fact !== undefined) return [fact.published];
  const old = conditionOf(before, 'Published');
  if (old === undefined) return [published('Unknown', 'ServicePending', 'The Service has not been looked at yet.')];
  return [{ type: 'Published', status: old.status, reason: old.reason as Reason, message: old.message }];
}

export function shownServiceName(
  service: object | undefined,
  fact: ServiceFact | undefined,
  before: { readonly serviceName?: string | undefined },
): string | undefined {
  if (service === undefined) return undefined;
  return fact === undefined ? before.serviceName : fact.serviceName;
}

/** Reasons of Published that somebody has to do something about. */
const troubles: ReadonlySet<string> = new Set<Reason>(['ServiceConflict', 'NotPublishable', 'ServiceRefused']);

/** What there is to announce when the conditions become others. */
export function serviceTrouble(
  before: readonly Condition[] | undefined,
  after: readonly Condition[] | undefined,
): { readonly type: 'Warning'; readonly reason: Reason; readonly message: string }[] {
  const said = conditionOf(after, 'Published');
  const isNews = conditionOf(before, 'Published')?.reason !== said?.reason;
  if (said === undefined || !isNews || !troubles.has(said.reason)) return [];
  return [{ type: 'Warning', reason: said.reason as Reason, message: said.message }];
}

function published(
  status: ConditionDraft['status'],
  reason: ConditionDraft['reason'],
  message: string,
): ConditionDraft {
  return { type: 'Published', status, reason, message };
}
