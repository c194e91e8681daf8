import { expect, test } from 'vitest';

import { urlsOf } from './urls.ts';
import { vmViewOf } from './common/vm-view.ts';

function urls(port: { name: string; internal: number; external: number }, status: object = {}): (string | undefined)[] {
  const metadata = { name: 'trainer', namespace: 'research', uid: 'u', resourceVersion: '1' };
  const all = { address: '192.0.2.7', user: 'user', ports: [port], ...status };
  const [found] = urlsOf(vmViewOf('GpuVm', { metadata, status: all }));
  return [found?.url, found?.inCluster];
}

test.each([
  [{ name: 'ssh', internal: 22, external: 30_001 }, 'ssh://user@192.0.2.7:30001'],
  [{ name: 'login', internal: 22, external: 30_001 }, 'ssh://user@192.0.2.7:30001'],
  [{ name: 'notebook', internal: 1234, external: 30_002 }, 'http://192.0.2.7:30002'],
  [{ name: 'jupyter-lab', internal: 1234, external: 30_002 }, 'http://192.0.2.7:30002'],
  [{ name: 'x', internal: 8888, external: 30_002 }, 'http://192.0.2.7:30002'],
  [{ name: 'x', internal: 443, external: 443 }, 'https://192.0.2.7'],
  [{ name: 'x', internal: 80, external: 80 }, 'http://192.0.2.7'],
  [{ name: 'nccl', internal: 29_500, external: 30_003 }, 'tcp://192.0.2.7:30003'],
  [{ name: 'websocket', internal: 9, external: 30_003 }, 'tcp://192.0.2.7:30003'],
])('%j is %s', (port, url) => {
  expect(urls(port)).toEqual([url, undefined]);
});

test('a VM with a Service has its internal ports under the name of that', () => {
  const port = { name: 'web', internal: 8080, external: 30_004 };
  expect(urls(port, { serviceName: 'model' })[1]).toBe('http://model.research.svc:8080');
});

test('an address of IPv6 stands in brackets', () => {
  expect(urls({ name: 'web', internal: 8080, external: 1 }, { address: '2001:db8::7' })[0]).toBe(
    'http://[2001:db8::7]:1',
  );
});

test('a VM that nobody knows the address of has none', () => {
  expect(urls({ name: 'web', internal: 8080, external: 1 }, { address: undefined })).toEqual([undefined, undefined]);
});
