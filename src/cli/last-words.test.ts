import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Ends a process of its own in that way. Resolves with how it ended and all that it wrote. */
function die(how: string): Promise<{ readonly code: unknown; readonly output: string }> {
  const script = `
    import { logLastWords } from './src/cli/last-words.ts';
    import { systemClock } from './src/lib/clock.ts';
    import { Redactor } from './src/lib/redact.ts';
    import { createLogger } from './src/telemetry/log.ts';
    const redactor = new Redactor();
    redactor.add('planted-token-0815');
    logLastWords(createLogger({ level: 'info', redactor, clock: systemClock }));
    const error = new Error('refused planted-token-0815', { cause: { body: 'key=unknown-secret' } });
    error.request = { headers: { authorization: 'Bearer unknown-secret' } };
    ${how}
    setTimeout(() => console.log('still alive'), 10_000);
  `;
  return new Promise((resolve) => {
    const options = { cwd: root };
    execFile(process.execPath, ['--input-type=module', '--eval', script], options, (error, stdout, stderr) => {
      resolve({ code: error?.code, output: stdout + stderr });
    });
  });
}

it.each([
  ['an exception', 'setImmediate(() => { throw error; });'],
  ['a rejection that nobody handles', 'void Promise.reject(error);'],
])('%s ends the process with one line of the log, without a secret', async (_, how) => {
  const { code, output } = await die(how);
  expect(code).toBe(1);
  const [line, ...rest] = output.trim().split('\n');
  expect(rest).toEqual([]);
  expect(JSON.parse(line ?? '')).toMatchObject({ level: 'error', message: 'uncaught exception: the process ends' });
  expect(line).toContain('refused [redacted]');
  expect(line).not.toMatch(/planted-token-0815|unknown-secret/);
});
