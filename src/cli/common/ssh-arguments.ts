import type { SshAccess } from './access.ts';

/** What a person may add to ssh and scp. */
export interface SshFlags {
  readonly identity?: readonly string[];
  readonly option?: readonly string[];
  readonly login?: string;
  /** The password is typed, and not taken from the connection Secret. */
  readonly askPassword?: boolean;
}

/**
 * The words that both ssh and scp are given first. The key of the host is remembered by the VM, not by its address: addresses
 * and ports go from one VM to the next, and each has a key of its own.
 */
export function commonArguments(access: Pick<SshAccess, 'view'>, { identity = [], option = [] }: SshFlags): string[] {
  return [
    ...identity.flatMap((file) => ['-i', file]),
    // The first of several counts: what the person says comes before what is said here.
    ...option.flatMap((one) => ['-o', one]),
    ...['-o', `HostKeyAlias=${hostKeyAlias(access)}`, '-o', 'StrictHostKeyChecking=accept-new'],
  ];
}

/** What ssh calls the VM, also when it asks for a password. */
export function hostKeyAlias({ view }: Pick<SshAccess, 'view'>): string {
  const vm = view.status.vm?.id ?? view.meta.uid;
  return `gpuvm-${vm.replaceAll(/[^A-Za-z0-9-]/g, '')}`;
}

export interface SshOnlyFlags extends SshFlags {
  readonly forward?: readonly string[];
  readonly forwardOnly?: boolean;
  readonly tty?: boolean;
}

/** `ssh -p PORT … user@host command`; the command is joined as ssh does it by itself. */
export function sshArguments(access: SshAccess, flags: SshOnlyFlags, command: readonly string[]): string[] {
  const { host, port, user } = access;
  return [
    ...['-p', String(port)],
    ...commonArguments(access, flags),
    ...(flags.forward ?? []).flatMap((one) => ['-L', one]),
    ...(flags.forwardOnly === true ? ['-N'] : []),
    ...(flags.tty === true ? ['-t'] : []),
    `${flags.login ?? user}@${host}`,
    ...(command.length === 0 ? [] : ['--', ...command]),
  ];
}

/** KIND/NAME, where the kind is one that stands for a VM: the directory of a path here may have any other name. */
const withKind = /^(?:gpuvms?|gvm|vms?|spotvms?|svm)(?:\.gpuvm\.dev)?\/[a-z0-9][-a-z0-9.]*$/i;

/** One side of a copy: on this machine, or in a VM. */
export interface CopyPath {
  readonly vm: string | undefined;
  readonly path: string;
}

/** "trainer:/data" is in a VM, "./a:b" and "/a:b" are here, as scp has it. */
export function copyPathOf(text: string): CopyPath {
  const colon = text.indexOf(':');
  const slash = text.indexOf('/');
  const head = text.slice(0, colon);
  // KIND/NAME:path has its slash before the colon.
  const isRemote = colon > 0 && (slash === -1 || slash > colon || withKind.test(head));
  return isRemote ? { vm: head, path: text.slice(colon + 1) } : { vm: undefined, path: text };
}

/** `scp -P PORT … from… to`. */
export function scpArguments(
  access: SshAccess,
  flags: SshFlags & { readonly recursive?: boolean },
  paths: readonly CopyPath[],
): string[] {
  const { host, port, user } = access;
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return [
    ...['-P', String(port)],
    ...commonArguments(access, flags),
    ...(flags.recursive === true ? ['-r'] : []),
    '--',
    ...paths.map(({ vm, path }) =>
      vm === undefined ? localPath(path) : `${flags.login ?? user}@${bracketed}:${path}`,
    ),
  ];
}

/** scp would look for a host in what has a colon before its first slash. */
function localPath(path: string): string {
  return path.includes(':') && !path.startsWith('/') && !path.startsWith('.') ? `./${path}` : path;
}

/** The word as a shell reads it back. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
