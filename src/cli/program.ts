import { type Argument, Command, CommanderError } from 'commander';

import packageJson from '../../package.json' with { type: 'json' };
import { accountCommand } from './account.ts';
import { billingCommand } from './billing.ts';
import { completeCommand, completionCommand } from './completion.ts';
import { costCommand } from './cost.ts';
import { demoCommand } from './demo.ts';
import { doctorCommand } from './doctor.ts';
import { helpCommand } from './help.ts';
import { importCommand } from './import.ts';
import { offersCommand } from './offers.ts';
import { operatorCommand } from './operator.ts';
import { lastWordsOf } from './common/cli-error.ts';
import { exitCodes } from './common/exit-codes.ts';
import { programName, writeOut } from './common/io.ts';
import { simulateCommand } from './simulate.ts';
import { releaseCommand, restartCommand, startCommand, stopCommand } from './power.ts';
import { quoteCommand } from './quote.ts';
import { revenueCommand } from './revenue.ts';
import { scpCommand } from './scp.ts';
import { sshAskpassCommand } from './ssh-askpass.ts';
import { sshCommand } from './ssh.ts';
import { statusCommand } from './status.ts';
import { unmanagedCommand } from './unmanaged.ts';
import { urlsCommand } from './urls.ts';

/** All commands. */
export function createProgram(): Command {
  const program = new Command(programName())
    .description('GPU VMs of the TensorDock marketplace as Kubernetes resources')
    .version(packageJson.version)
    // So that __complete gets the words of other commands with their options.
    .enablePositionalOptions()
    .configureHelp({
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
    })
    .helpCommand(false);
  const groups: Readonly<Record<string, readonly Command[]>> = {
    'Look:': [
      ...[statusCommand(), offersCommand(), quoteCommand(), costCommand()],
      ...[accountCommand(), unmanagedCommand(), doctorCommand()],
    ],
    'Use a VM:': [
      ...[sshCommand(), scpCommand(), urlsCommand()],
      ...[startCommand(), stopCommand(), releaseCommand(), restartCommand(), importCommand()],
    ],
    'For those who rent out hosts:': [billingCommand(), revenueCommand()],
    'Run:': [operatorCommand(), simulateCommand(), demoCommand()],
    'Other:': [completionCommand(), helpCommand(() => program)],
  };
  for (const [heading, commands] of Object.entries(groups)) {
    program.commandsGroup(heading);
    for (const command of commands) program.addCommand(command);
  }
  for (const hidden of [sshAskpassCommand(), completeCommand(() => program)]) {
    program.addCommand(hidden, { hidden: true });
  }
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command
      .exitOverride()
      .configureOutput({ writeOut, outputError: sayAsWeDo })
      .showHelpAfterError('(add --help for all options)')
      .showSuggestionAfterError(true);
  }
  return program;
}

/** Of a wrong command line, as of all that goes wrong. */
function sayAsWeDo(text: string, write: (text: string) => void): void {
  write(text.replace(/^error: /, `${programName()}: `));
}

function argumentTerm(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
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
