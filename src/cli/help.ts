import { Command } from 'commander';

import { closest } from '../lib/closest.ts';

/**
 * `gpuvm help [COMMAND…]`. Commander's own shows the help of everything for a word that is no command.
 *
 * @param program is asked for when it has all of its commands
 */
export function helpCommand(program: () => Command): Command {
  return new Command('help')
    .summary('show the help of a command')
    .description('Shows what a command is for, its options and examples.')
    .argument('[command...]')
    .action((words: readonly string[]) => {
      commandNamed(program(), words).outputHelp();
    });
}

function commandNamed(program: Command, words: readonly string[]): Command {
  let named = program;
  for (const word of words) {
    const next = named.commands.find((command) => command.name() === word);
    if (next === undefined) return unknown(named, word);
    named = next;
  }
  return named;
}

function unknown(command: Command, word: string): never {
  const names = command.createHelp().visibleCommands(command);
  const meant = closest(
    word,
    names.map((one) => one.name()),
  );
  const question = meant === undefined ? '' : `\n(Did you mean ${meant}?)`;
  return command.error(`error: unknown command '${word}'${question}`, { code: 'commander.unknownCommand' });
}
