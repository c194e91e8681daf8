import { describe, expect, it } from 'vitest';

import { hints, shellWord } from './hints.ts';

describe('hints', () => {
  it('gives lines that can be pasted as they are', () => {
    const lines = hints({
      kubeconfigPath: '/tmp/a b/kubeconfig',
      program: '/home/me/gpuvm operator/bin/gpuvm',
      controlUrl: 'http://127.0.0.1:1/sim',
      telemetryUrl: 'http://127.0.0.1:2',
      logPath: '/tmp/operator.log',
    });
    expect(lines).toContain("  KUBECONFIG='/tmp/a b/kubeconfig' kubectl delete gpuvm trainer");
    expect(lines).toContain("  KUBECONFIG='/tmp/a b/kubeconfig' '/home/me/gpuvm operator/bin/gpuvm' account default");
    expect(lines.join('\n')).toContain('curl -s http://127.0.0.1:1/sim/state ');
    expect(lines.join('\n')).toContain('curl -s http://127.0.0.1:2/metrics ');
  });
});

it('the hints say that nobody can log in', () => {
  const lines = hints({ kubeconfigPath: '/k', program: '/gpuvm', controlUrl: '/c', telemetryUrl: '/t', logPath: '/l' });
  expect(lines.at(-1)).toMatch(/nobody can log in/);
});

describe('shellWord', () => {
  it.each([
    ['/tmp/plain-1.log', '/tmp/plain-1.log'],
    ['/tmp/with blank', "'/tmp/with blank'"],
    ["it's", "'it'\\''s'"],
  ])('writes %s as %s', (text, word) => {
    expect(shellWord(text)).toBe(word);
  });
});
