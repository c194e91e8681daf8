import { authEndpoints } from './auth.ts';
import { billingEndpoints } from './billing.ts';
import { containerEndpoints } from './containers.ts';
import { deployEndpoints } from './deploy.ts';
import type { Endpoint } from './endpoint.ts';
import { hostnodeEndpoints } from './hostnodes.ts';
import { instantEndpoints } from './instant.ts';
import { modifyEndpoints } from './modify.ts';
import { powerEndpoints } from './power.ts';
import { spotEndpoints } from './spot.ts';
import { vmEndpoints } from './vms.ts';

/** The 22 requests of the API reference, section 2. */
export const endpoints: readonly Endpoint[] = [
  ...authEndpoints,
  ...hostnodeEndpoints,
  ...deployEndpoints,
  ...spotEndpoints,
  ...vmEndpoints,
  ...powerEndpoints,
  ...modifyEndpoints,
  ...instantEndpoints,
  ...containerEndpoints,
  ...billingEndpoints,
];

export interface Route {
  readonly endpoint: Endpoint;
  readonly pathId: string;
}

const placeholder = /<\w+>/;

const fixed = new Map(
  endpoints.filter(({ path }) => !placeholder.test(path)).map((endpoint) => [endpoint.path, endpoint]),
);
const templates = endpoints
  .filter(({ path }) => placeholder.test(path))
  .map((endpoint) => ({ endpoint, pattern: new RegExp(`^${endpoint.path.replace(placeholder, '([^/]+)')}$`) }));

/**
 * The endpoint of a path below the API's base; undefined when there is none. A slash too many is forgiven: clients join
 * base and path with two, or end with one.
 */
export function route(path: string): Route | undefined {
  const trimmed = path.replaceAll(/\/{2,}/g, '/').replaceAll(/^\/|\/$/g, '');
  const endpoint = fixed.get(trimmed);
  if (endpoint !== undefined) return { endpoint, pathId: '' };
  for (const { endpoint: candidate, pattern } of templates) {
    const id = pattern.exec(trimmed)?.[1];
    if (id !== undefined) return { endpoint: candidate, pathId: id };
  }
  return undefined;
}
