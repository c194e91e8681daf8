import { Argument, Command } from 'commander';

import type { CustomObject } from '../controllers/objects.ts';
import { gpuAccountType } from '../api/group.ts';
import { candidatesFor, type Names } from './completion/candidates.ts';
import { completionScript, shells, type Shell } from './completion/scripts.ts';
import { writeOut } from './common/io.ts';
import { vmsAndPools } from './common/kinds.ts';
import { withSession, type ClusterFlags, type Session } from './common/session.ts';

/** `gpuvm completion SHELL`: prints what a shell has to be told. */
export function completionCommand(): Command {
  return new Command('completion')
    .summary('print the completion script of a shell')
    .description('Prints a script that completes commands, options, and the names of resources in the cluster.')
    .addArgument(new Argument('<shell>').choices(shells))
    .addHelpText(
      'after',
      `
To have it in each new shell:
  bash      echo 'source <(gpuvm completion bash)' >> ~/.bashrc
  zsh       echo 'source <(gpuvm completion zsh)' >> ~/.zshrc
  fish      gpuvm completion fish > ~/.config/fish/completions/gpuvm.fish
  kubectl   gpuvm completion kubectl > ~/bin/kubectl_complete-gpuvm && chmod +x ~/bin/kubectl_complete-gpuvm`,
    )
    .action((shell: Shell) => {
      writeOut(completionScript(shell));
    });
}

/** A person who waits for a completion waits for nothing else. */
const mostWaitMs = 3_000;

/**
 * `gpuvm __complete WORDS…`: what may come for the last of the words, a line each, and then ":4" (no file names) or ":0", as programs
 * that are made with Cobra have it. kubectl asks its plug-ins so.
 */
export function completeCommand(program: () => Command): Command {
  return new Command('__complete')
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .passThroughOptions()
    .action(async (words: string[]) => {
      const found = await candidatesFor(program(), words, (flags) => namesFrom(flags)).catch(() => []);
      writeOut([...found, found.length === 0 ? ':0' : ':4', ''].join('\n'));
      // What was asked of a cluster that does not answer may go on for a while.
      process.exit();
    });
}

/** Names in the cluster; none where that does not answer soon, or does not let us see them. */
async function namesFrom(flags: ClusterFlags): Promise<Names> {
  const time = AbortSignal.timeout(mostWaitMs);
  const late = new Promise<Names>((resolve) => {
    time.addEventListener('abort', () => {
      resolve({ vms: [], accounts: [] });
    });
  });
  return Promise.race([withSession(flags, readNames), late]);
}

async function readNames({ kube, namespace }: Session): Promise<Names> {
  const lists = vmsAndPools.map(async ({ type, singular }) => {
    const { items } = await kube.list<CustomObject>(type, { namespace });
    return items.map(({ metadata }) => ({ kind: singular, name: metadata.name }));
  });
  const accounts = kube
    .list<CustomObject>(gpuAccountType)
    .then(({ items }) => items.map(({ metadata }) => metadata.name));
  const found = await Promise.allSettled(lists);
  const vms = found.flatMap((list) => (list.status === 'fulfilled' ? list.value : []));
  return { vms, accounts: await accounts.catch(() => []) };
}
