import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface End {
  readonly code: unknown;
  readonly signal: unknown;
  /** Messages of its log with their levels. */
  readonly log: readonly string[];
}

/** A process of its own that waits to be told, is told by SIGTERM, and then does what `afterwards` says. */
async function tell(afterwards: string): Promise<End> {
  const script = `
    import { endSoon, untilToldToStop } from './src/cli/shutdown.ts';
    import { systemClock } from './src/lib/clock.ts';
    import { Redactor } from './src/lib/redact.ts';
    import { createLogger } from './src/telemetry/log.ts';
    const log = createLogger({ level: 'info', redactor: new Redactor(), clock: systemClock });
    const told = untilToldToStop(log, { graceMs: 0 });
    const work = setInterval(() => undefined, 1_000);
    log.info({}, 'ready');
    await told;
    ${afterwards}
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const log: string[] = [];
  createInterface(child.stdout).on('line', (line) => {
    const { level, message } = JSON.parse(line) as { level: string; message: string };
    log.push(`${level}: ${message}`);
    if (message === 'ready') child.kill('SIGTERM');
    if (message === 'once more') child.kill('SIGINT');
  });
  const [code, signal] = (await once(child, 'close')) as unknown[];
  return { code, signal, log };
}

const told = ['info: ready', 'info: told to stop'];

it.each<[string, string, End]>([
  ['by itself when all its work has ended', 'clearInterval(work); endSoon(log);', { code: 0, signal: null, log: told }],
  [
    'with a warning when something is left open',
    'endSoon(log);',
    {
      code: 0,
      signal: null,
      log: [...told, 'warn: something is still open after the end of all work: the process ends'],
    },
  ],
  [
    'with an error when its work does not end',
    '',
    { code: 1, signal: null, log: [...told, 'error: did not stop in time: the process ends'] },
  ],
  [
    'at once when it is told a second time',
    "log.info({}, 'once more');",
    { code: 130, signal: null, log: [...told, 'info: once more'] },
  ],
])('a process that is told to stop ends %s', async (_, afterwards, end) => {
  expect(await tell(afterwards)).toEqual(end);
});
