import { Command, Option } from 'commander';

import { sshAccessOf } from './common/access.ts';
import { examples } from './common/examples.ts';
import { writeOut } from './common/io.ts';
import { runSsh } from './common/run-ssh.ts';
import { withClusterOptions, withSession, type ClusterFlags } from './common/session.ts';
import { shellWord, sshArguments, type SshOnlyFlags } from './common/ssh-arguments.ts';
import { repeated } from './option-types.ts';

interface Flags extends ClusterFlags, SshOnlyFlags {
  readonly print?: boolean;
}

/** `gpuvm ssh NAME [-- command]`: logs in with the user's own ssh. */
export function sshCommand(): Command {
  const command = new Command('ssh')
    .summary('log in to a VM, or run a command there')
    .description(
      'Runs ssh with the address, port and user of the VM. Your own keys and agent are tried first; then the password of the connection Secret, if you may read it: you need not type it, and it is in no process list.\nEnds with the exit code of the command, or 255 where ssh did not get through.',
    )
    .argument('<name>', 'NAME or KIND/NAME')
    .argument('[command...]', 'after --: what to run there instead of a shell')
    .addOption(repeated('-L, --forward <spec>', 'forward a port, such as 8888:localhost:8888'))
    .option('-N, --forward-only', 'run nothing there, only forward ports')
    .option('-t, --tty', 'give the command a terminal')
    .option('--print', 'print the ssh command, and do not run it');
  for (const option of sshOptions()) command.addOption(option);
  command.addHelpText(
    'after',
    examples(`
  gpuvm ssh trainer
  gpuvm ssh trainer -- nvidia-smi
  gpuvm ssh trainer -L 8888:localhost:8888 -N     then open http://localhost:8888
  gpuvm ssh trainer -i ~/.ssh/gpu_ed25519 -- 'cd /data && ls'`),
  );
  return withClusterOptions(command).action(async (name: string, words: string[], flags: Flags) => {
    const access = await withSession(flags, (session) => sshAccessOf(session, name));
    const args = sshArguments(access, flags, words);
    if (flags.print === true) writeOut(`${['ssh', ...args].map(shellWord).join(' ')}\n`);
    else process.exitCode = await runSsh('ssh', args, { access, flags });
  });
}

/** Those that ssh and scp share. */
export function sshOptions(): Option[] {
  return [
    repeated('-i, --identity <file>', 'private key to log in with, beside your default ones'),
    new Option('-l, --login <user>', 'log in as another user'),
    repeated('-o, --option <option>', 'option for ssh, such as ConnectTimeout=5'),
    new Option('--ask-password', 'type the password, where somebody has changed that of the connection Secret'),
  ];
}
