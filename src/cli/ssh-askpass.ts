import { execFileSync } from 'node:child_process';
import { openSync, readSync, writeSync, closeSync } from 'node:fs';
import { Command } from 'commander';

import { decodeSecret, secretType, type SecretObject } from '../controllers/objects.ts';
import { CliError } from './common/cli-error.ts';
import { askpassVariables } from './common/run-ssh.ts';
import { withSession } from './common/session.ts';

/**
 * `gpuvm ssh-askpass PROMPT`: what `gpuvm ssh` names to ssh as its SSH_ASKPASS. Gives the password of the VM where that is asked
 * for; whatever else ssh wants to know, such as the passphrase of a key, is asked of the person on the terminal.
 */
export function sshAskpassCommand(): Command {
  return new Command('ssh-askpass')
    .argument('[prompt]')
    .allowExcessArguments(true)
    .action(async (prompt = '') => {
      const login = process.env[askpassVariables.login];
      process.stdout.write(
        `${isForPassword(String(prompt), login) ? await passwordOf(process.env) : ask(String(prompt))}\n`,
      );
    });
}

/**
 * "user@host's password: ", and "(user@host) Password: " where the server asks by keyboard-interactive. Only of the VM itself: a
 * host on the way to it, which ssh goes through, asks in the same words for a password that is its own.
 *
 * @param login "user@host" as ssh says it
 */
export function isForPassword(prompt: string, login: string | undefined): boolean {
  if (login === undefined) return false;
  return prompt === `${login}'s password: ` || prompt.trimEnd() === `(${login}) Password:`;
}

async function passwordOf(env: NodeJS.ProcessEnv): Promise<string> {
  const [namespace, name] = [env[askpassVariables.namespace], env[askpassVariables.secret]];
  if (namespace === undefined || name === undefined) throw new CliError('only ssh, started by gpuvm ssh, calls this');
  const [kubeconfig, context] = [env[askpassVariables.kubeconfig], env[askpassVariables.context]];
  const flags = {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  };
  const secret = await withSession(flags, ({ kube }) => kube.get<SecretObject>(secretType, { namespace, name }));
  const password = secret === undefined ? undefined : decodeSecret(secret, 'password');
  if (password === undefined) throw new CliError(`Secret "${name}" holds no password`);
  return password;
}

/** A line from the terminal. Nothing that is asked here is for others' eyes, but for a question of yes or no. */
function ask(prompt: string): string {
  const isHidden = !prompt.includes('yes/no');
  let terminal: number;
  try {
    terminal = openSync('/dev/tty', 'r+');
  } catch {
    throw new CliError(`ssh asks ${JSON.stringify(prompt)}, and there is no terminal to answer on`);
  }
  try {
    writeSync(terminal, prompt);
    if (isHidden) setEcho(terminal, false);
    const buffer = Buffer.alloc(4096);
    const length = readSync(terminal, buffer);
    return buffer.toString('utf8', 0, length).replace(/\r?\n$/, '');
  } finally {
    if (isHidden) {
      setEcho(terminal, true);
      writeSync(terminal, '\n');
    }
    closeSync(terminal);
  }
}

function setEcho(terminal: number, isOn: boolean): void {
  execFileSync('stty', [isOn ? 'echo' : '-echo'], { stdio: [terminal, 'ignore', 'ignore'] });
}
