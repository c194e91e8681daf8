import type { Command, Option } from 'commander';

import type { ClusterFlags } from '../common/session.ts';

/** What the cluster has. */
export interface Names {
  readonly vms: readonly { readonly kind: string; readonly name: string }[];
  readonly accounts: readonly string[];
}

/** Commands whose first argument is a resource, and of which kinds. */
const takesName: Readonly<Record<string, 'vm' | 'vmOrPool' | 'account'>> = {
  status: 'vmOrPool',
  ssh: 'vm',
  scp: 'vm',
  urls: 'vm',
  start: 'vmOrPool',
  stop: 'vmOrPool',
  release: 'vmOrPool',
  restart: 'vmOrPool',
  account: 'account',
};

/**
 * What may stand for the last of the words, which may be empty or a beginning. Pure but for the names, which are asked for only
 * where one may come.
 */
export async function candidatesFor(
  program: Command,
  words: readonly string[],
  namesFrom: (flags: ClusterFlags) => Promise<Names>,
): Promise<readonly string[]> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const command = program.commands.find((one) => one.name() === before[0]);
  if (command === undefined) return before.length === 0 ? matching(current, commandsOf(program)) : [];
  if (before.includes('--')) return [];
  const option = optionBefore(command, before.at(-1));
  if (option !== undefined) return matching(current, await valuesOf(option, () => namesFrom(clusterOf(before))));
  if (current.startsWith('-')) return matching(current, optionsOf(command));
  const kind = Object.hasOwn(takesName, command.name()) ? takesName[command.name()] : undefined;
  if (kind === undefined) return [];
  return matching(current, namesOf(kind, await namesFrom(clusterOf(before)), current));
}

function commandsOf(program: Command): string[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .map((command) => command.name());
}

function optionsOf(command: Command): string[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long }) => (long === undefined ? [] : [long]));
}

/** The option that the current word is the value of. */
function optionBefore(command: Command, word: string | undefined): Option | undefined {
  if (word?.startsWith('-') !== true) return undefined;
  return command.options.find((option) => (option.short === word || option.long === word) && option.required);
}

async function valuesOf(option: Option, names: () => Promise<Names>): Promise<readonly string[]> {
  if (option.long === '--account') return (await names()).accounts;
  if (option.long === '--for') return namesOf('vm', await names(), '');
  return option.argChoices ?? [];
}

function namesOf(kind: 'vm' | 'vmOrPool' | 'account', { vms, accounts }: Names, current: string): readonly string[] {
  if (kind === 'account') return accounts;
  const fitting = vms.filter((one) => kind === 'vmOrPool' || one.kind !== 'gpupool');
  if (current.includes('/')) return fitting.map((one) => `${one.kind}/${one.name}`);
  const isTwice = (name: string): boolean => fitting.filter((one) => one.name === name).length > 1;
  return fitting.map((one) => (isTwice(one.name) ? `${one.kind}/${one.name}` : one.name));
}

function matching(current: string, candidates: readonly string[]): readonly string[] {
  return candidates.filter((candidate) => candidate.startsWith(current)).toSorted();
}

const clusterFlags: Readonly<Record<string, keyof ClusterFlags>> = {
  '-n': 'namespace',
  '--namespace': 'namespace',
  '--context': 'context',
  '--kubeconfig': 'kubeconfig',
};

/** Which cluster the words before ask for. */
function clusterOf(words: readonly string[]): ClusterFlags {
  const flags: { -readonly [K in keyof ClusterFlags]: string } = {};
  for (const [at, word] of words.entries()) {
    const [name = '', inline] = word.split('=');
    const flag = Object.hasOwn(clusterFlags, name) ? clusterFlags[name] : undefined;
    const value = inline ?? words[at + 1];
    if (flag !== undefined && value !== undefined) flags[flag] = value;
  }
  return flags;
}
