import { createInterface } from 'node:readline/promises';

import { CliError } from './cli-error.ts';
import { exitCodes } from './exit-codes.ts';

/**
 * Asks on the terminal, and goes on with "yes" only. Where there is no terminal nobody can be asked: then a flag has to say so.
 *
 * @param show what the question is about
 */
export async function confirm(question: string, show: () => void): Promise<void> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) {
    throw new CliError(
      'nobody can be asked here, since this is no terminal',
      exitCodes.usage,
      'Add --yes to go on without.',
    );
  }
  show();
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    const answer = await lines.question(`${question} `);
    if (answer.trim().toLowerCase() === 'yes') return;
  } finally {
    lines.close();
  }
  throw new CliError('nothing was done', exitCodes.interrupted, 'Only "yes" goes on.');
}
