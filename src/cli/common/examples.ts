import { programName } from './io.ts';

/** Examples for a command's help, with the name that this program was called by. */
export function examples(lines: string): string {
  return `\nExamples:${lines.replaceAll(/^( *)gpuvm /gm, `$1${programName()} `)}`;
}
