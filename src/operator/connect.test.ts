import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';

import { probeConnect } from './connect.ts';

it('a probe ends at once when it is given up', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const connect = probeConnect({ allowPrivate: true });
  const abort = new AbortController();
  await expect(connect('127.0.0.1', port, 60_000, abort.signal)).resolves.toBeUndefined();
  const probe = connect('127.0.0.1', port, 60_000, abort.signal);
  abort.abort();
  await expect(probe).rejects.toThrow(/abort/i);
  server.close();
});
