import { Command } from 'commander';

import { sshAccessOf } from './common/access.ts';
import { CliError } from './common/cli-error.ts';
import { examples } from './common/examples.ts';
import { exitCodes } from './common/exit-codes.ts';
import { writeOut } from './common/io.ts';
import { runSsh } from './common/run-ssh.ts';
import { withClusterOptions, withSession, type ClusterFlags } from './common/session.ts';
import { copyPathOf, scpArguments, shellWord, type CopyPath, type SshFlags } from './common/ssh-arguments.ts';
import { sshOptions } from './ssh.ts';

interface Flags extends ClusterFlags, SshFlags {
  readonly recursive?: boolean;
  readonly print?: boolean;
}

/** `gpuvm scp FROM… TO`: copies files from or to a VM with the user's own scp. */
export function scpCommand(): Command {
  const command = new Command('scp')
    .summary('copy files from or to a VM')
    .description('Runs scp with the address, port and user of the VM. A path in it is written NAME:PATH.')
    .argument('<paths...>', 'what to copy, and last where to')
    .option('-r, --recursive', 'copy directories with all that is in them')
    .option('--print', 'print the scp command, and do not run it');
  for (const option of sshOptions()) command.addOption(option);
  command.addHelpText(
    'after',
    examples(`
  gpuvm scp train.py trainer:                     into the home directory
  gpuvm scp -r trainer:/data/checkpoints .
  gpuvm scp a.txt b.txt spotvm/sweep:/tmp/`),
  );
  return withClusterOptions(command).action(async (texts: string[], flags: Flags) => {
    const paths = texts.map(copyPathOf);
    const name = theVmOf(paths);
    const access = await withSession(flags, (session) => sshAccessOf(session, name));
    const args = scpArguments(access, flags, paths);
    if (flags.print === true) writeOut(`${['scp', ...args].map(shellWord).join(' ')}\n`);
    else process.exitCode = await runSsh('scp', args, { access, flags });
  });
}

/** scp takes one port for all that it connects to. */
function theVmOf(paths: readonly CopyPath[]): string {
  if (paths.length < 2) throw new CliError('say what to copy, and where to: two paths at least', exitCodes.usage);
  const [name, other] = new Set(paths.flatMap(({ vm }) => (vm === undefined ? [] : [vm])));
  if (name === undefined) {
    throw new CliError('none of the paths is in a VM: write one as NAME:PATH', exitCodes.usage);
  }
  if (other !== undefined) {
    throw new CliError(`"${name}" and "${other}": copy from or to one VM at a time`, exitCodes.usage);
  }
  return name;
}
