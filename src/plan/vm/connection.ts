import type { CloudVm } from '../../provider/contract.ts';
import type { VmObservation } from './observation.ts';
import { externalPortOf } from '../ports.ts';

/** An address or user that is safe inside an ssh_config, a shell line and a status: no blank, quote or line break. */
const plainToken = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,252}$/;

const sshPort = 22;

/** The command that logs in, for the status; undefined while it is not known, or when the VM forwards no SSH port. */
export function sshCommand(vm: CloudVm): string | undefined {
  const port = externalPortOf(vm, sshPort);
  const address = safe(vm.address);
  if (port === undefined || address === undefined) return undefined;
  return `ssh -p ${port} ${safe(vm.user) ?? 'user'}@${address}`;
}

/**
 * What the connection Secret holds beside the password: host, port and user for programs, ssh_config for people, and
 * `port-<name>` for every forward. Undefined while the provider has not said where the VM is.
 */
export function connectionData(
  { meta, spec }: VmObservation,
  vm: CloudVm,
): Readonly<Record<string, string>> | undefined {
  const host = safe(vm.address);
  if (host === undefined) return undefined;
  const user = safe(vm.user) ?? 'user';
  const ssh = externalPortOf(vm, sshPort);
  const forwards = spec.ports.flatMap((port) => {
    const external = externalPortOf(vm, port.internal);
    return external === undefined ? [] : [[`port-${port.name}`, String(external)] as const];
  });
  const main = ssh ?? vm.portForwards[0]?.external;
  return {
    host,
    user,
    ...(main === undefined ? {} : { port: String(main) }),
    ...Object.fromEntries(forwards),
    ...(ssh === undefined ? {} : { ssh_config: sshConfig(meta.name, host, ssh, user) }),
  };
}

/** What a Secret says of where a VM is: no password, and no user. */
export function whereaboutsIn(data: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(data).filter((key) => /^(?:host|port|port-.+|ssh_config)$/.test(key));
}

function sshConfig(name: string, host: string, port: number, user: string): string {
  return `Host ${name}\n  HostName ${host}\n  Port ${port}\n  User ${user}\n`;
}

function safe(text: string | undefined): string | undefined {
  return text !== undefined && plainToken.test(text) ? text : undefined;
}
