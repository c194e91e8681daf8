import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** The planted secrets that are found in the text, as they are or in base64. */
export function leaksIn(text: string, planted: readonly string[]): string[] {
  return planted.filter((secret) => text.includes(secret) || text.includes(Buffer.from(secret).toString('base64')));
}

/** Command lines of all processes, as other users of the machine may see them. */
export function commandLines(): string {
  try {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map((pid) => readCommandLine(pid)).join('\n');
  } catch {
    return execFileSync('ps', ['-Ao', 'args='], { encoding: 'utf8' });
  }
}

function readCommandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
