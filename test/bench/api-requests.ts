import type { Cluster } from '../support/cluster.ts';

/** Requests that the API server has answered, by "VERB resource" or "VERB resource/subresource". */
export type ApiRequests = ReadonlyMap<string, number>;

const line = /^apiserver_request_total\{([^}]*)\} (\S+)$/;

/** As the API server counts them, whoever sent them. */
export async function apiRequests(cluster: Cluster): Promise<ApiRequests> {
  const counts = new Map<string, number>();
  for (const text of (await cluster.raw('/metrics')).split('\n')) {
    const [, labels = '', value = '0'] = line.exec(text) ?? [];
    const of = (name: string): string => new RegExp(`\\b${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
    if (of('resource') === '') continue;
    const subresource = of('subresource');
    const key = `${of('verb')} ${of('resource')}${subresource === '' ? '' : `/${subresource}`}`;
    counts.set(key, (counts.get(key) ?? 0) + Number(value));
  }
  return counts;
}

/** What came in between. */
export function requestsSince(before: ApiRequests, after: ApiRequests): Map<string, number> {
  const pairs = [...after].map(([key, count]) => [key, count - (before.get(key) ?? 0)] as const);
  return new Map(pairs.filter(([, count]) => count > 0));
}

/** Requests that write these resources, subresources included. */
export function writesOf(requests: ApiRequests, ...resources: readonly string[]): number {
  let sum = 0;
  for (const [key, count] of requests) {
    const [verb = '', what = ''] = key.split(' ');
    const [resource = ''] = what.split('/');
    if (['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE'].includes(verb) && resources.includes(resource)) sum += count;
  }
  return sum;
}
