import { Command, CommanderError } from 'commander';

import packageJson from '../../package.json' with { type: 'json' };
import { demoCommand } from './demo.ts';
import { operatorCommand } from './operator.ts';
import { lastWordsOf } from './shared/cli-error.ts';
import { exitCodes } from './shared/exit-codes.ts';
import { programName } from './shared/io.ts';
import { simulateCommand } from './simulate.ts';
import { releaseCommand, restartCommand, startCommand, stopCommand } from './power.ts';
import { scpCommand } from './scp.ts';
import { sshAskpassCommand } from './ssh-askpass.ts';
import { sshCommand } from './ssh.ts';
import { statusCommand } from './status.ts';
import { urlsCommand } from './urls.ts';

/** All commands. */
export function createProgram(): Command {
  const program = new Command(programName())
    .description('GPU VMs of the TensorDock marketplace as Kubernetes resources')
    .version(packageJson.version)
    .configureHelp({ showGlobalOptions: false });
  program.commandsGroup('Look:').addCommand(statusCommand());
  program
    .commandsGroup('Use a VM:')
    .addCommand(sshCommand())
    .addCommand(scpCommand())
    .addCommand(urlsCommand())
    .addCommand(startCommand())
    .addCommand(stopCommand())
    .addCommand(releaseCommand())
    .addCommand(restartCommand())
    .addCommand(sshAskpassCommand(), { hidden: true });
  program.commandsGroup('Run:').addCommand(operatorCommand()).addCommand(simulateCommand()).addCommand(demoCommand());
  for (const command of [program, ...program.commands]) {
    command.exitOverride().showHelpAfterError('(add --help for all options)').showSuggestionAfterError(true);
  }
  return program;
}

/** Runs the command line; gives the exit code where it has not been set on the way. */
export async function runProgram(program: Command, argv: readonly string[] = process.argv): Promise<void> {
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said what is wrong. Its code 1 for all of that would not tell it from a failure.
      process.exitCode = error.exitCode === 0 || error.code === 'commander.error' ? error.exitCode : exitCodes.usage;
      return;
    }
    const { text, exitCode } = lastWordsOf(error, program.name());
    process.stderr.write(text);
    process.exitCode = exitCode;
  }
}
