import { styleText } from 'node:util';

/** Styles by what they say, so that a table of tests can read them. */
export type Style = 'good' | 'bad' | 'attention' | 'heading' | 'faint';

const formats: Readonly<Record<Style, Parameters<typeof styleText>[0]>> = {
  good: 'green',
  bad: 'red',
  attention: 'yellow',
  heading: 'bold',
  faint: 'dim',
};

export type Paint = (style: Style | undefined, text: string) => string;

export const plain: Paint = (_style, text) => text;

export const coloured: Paint = (style, text) =>
  style === undefined || text === '' ? text : styleText(formats[style], text, { validateStream: false });

/** Where a command's words go. */
export interface Io {
  /** What was asked for: standard output. */
  out(...lines: readonly string[]): void;
  /** Everything else: standard error. */
  note(...lines: readonly string[]): void;
  /** Of standard output. */
  readonly paint: Paint;
  readonly progress: ProgressStream;
  /** How to call this program, for hints: "gpuvm" or "kubectl gpuvm". */
  readonly program: string;
}

/** Standard error, or what stands for it in a test. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** bin/gpuvm says by what name it was called: as a plug-in, kubectl's own comes first. */
export function programName(env: NodeJS.ProcessEnv = process.env): string {
  return env['GPUVM_CALLED_AS'] === 'kubectl-gpuvm' ? 'kubectl gpuvm' : 'gpuvm';
}

/** Writes to standard output. Whoever reads it may go, as "| head" does: nothing is wrong then. */
export function writeOut(text: string): void {
  const { stdout } = process;
  if (!stdout.listeners('error').includes(endWithReader)) stdout.on('error', endWithReader);
  stdout.write(text);
}

function endWithReader({ code }: NodeJS.ErrnoException): void {
  process.exit(code === 'EPIPE' ? 0 : 1);
}

export function processIo(): Io {
  const { stdout, stderr, env } = process;
  return {
    out: (...lines) => {
      writeOut(lines.map((line) => `${line}\n`).join(''));
    },
    note: (...lines) => stderr.write(lines.map((line) => `${line}\n`).join('')),
    paint: wantsColours(stdout, env) ? coloured : plain,
    progress: stderr,
    program: programName(env),
  };
}

/** On a terminal only, and there unless NO_COLOR or a terminal without colours says otherwise. */
export function wantsColours(stream: { readonly isTTY?: boolean | undefined }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}
