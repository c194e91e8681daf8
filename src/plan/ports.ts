import type { CloudVm, Host, PortForward } from '../provider/contract.ts';

/** From here on a port is unlikely to be filtered on the way, or to be taken for a well-known service. */
const firstHighPort = 10_000;

/**
 * Pairs each wanted internal port with a free external port of the host; undefined when the host has too few. High ports
 * first, lowest first among them, so that the choice is repeatable and the few well-known ports are left to the last.
 */
export function chooseExternalPorts(
  wanted: readonly { readonly internal: number }[],
  host: Pick<Host, 'freePorts' | 'dedicatedIp'>,
): readonly PortForward[] | undefined {
  if (host.dedicatedIp) return wanted.map(({ internal }) => ({ external: internal, internal }));
  if (host.freePorts.length < wanted.length) return undefined;
  const ordered = inOrder(host.freePorts);
  return wanted.map(({ internal }, index) => ({ external: ordered[index] ?? 0, internal }));
}

/** An inventory never changes, and all who look for a host look through its ports. */
const orders = new WeakMap<readonly number[], readonly number[]>();

function inOrder(ports: readonly number[]): readonly number[] {
  const known = orders.get(ports);
  if (known !== undefined) return known;
  const isLow = (port: number): number => (port < firstHighPort ? 1 : 0);
  const ordered = ports.toSorted((a, b) => isLow(a) - isLow(b) || a - b);
  orders.set(ports, ordered);
  return ordered;
}

/** The external port that leads to an internal one; undefined when the VM does not forward it. */
export function externalPortOf(vm: Pick<CloudVm, 'portForwards'>, internal: number): number | undefined {
  return vm.portForwards.find((forward) => forward.internal === internal)?.external;
}
