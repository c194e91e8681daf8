import { asWritten, success } from '../answers.ts';
import type { Endpoint } from './endpoint.ts';

/** API reference 3.1. The pair was checked before: getting here is the answer. */
const test: Endpoint = { path: 'auth/test', method: 'POST', auth: 'required', handle: () => success() };

/** API reference 3.2. A34: the calling pair is in the list. */
const list: Endpoint = {
  path: 'auth/list',
  method: 'POST',
  auth: 'required',
  handle: (world) =>
    asWritten({
      success: true,
      authorizations: {
        simulator: {
          permissions: 'All',
          timestamp_creation: withMicroseconds(world.startedAt),
          note: 'The pair this simulator was started with',
        },
        test_auth: {
          permissions: 'All',
          timestamp_creation: '2022-12-04 02:26:01.898472',
          note: 'Use for testing purposes',
        },
      },
    }),
};

/** "2022-12-04 02:26:01.898472", in UTC (A37). */
function withMicroseconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1).replace('T', ' ')}000`;
}

export const authEndpoints = [test, list];
