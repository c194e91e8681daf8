import { randomUUID } from 'node:crypto';

import { vmNameOf } from '../../src/api/vm-name.ts';
import type { Organization } from './organization.ts';

/** VMs in an organization that no resource of the cluster has made. */

/** One of the simulator's hosts, which it always has. */
const hostnode = '8db2ec46-c094-4262-bc7e-6c76617f4237';
const gpuModel = 'v100-pcie-16gb';
const firstPort = 52_000;
let deployed = 0;

/** Room on one host for so many small VMs more than there are; some more stays for resources. */
export async function makeRoom(team: Organization, more: number): Promise<void> {
  const count = more + 5;
  const ports = Array.from({ length: count }, (_, at) => firstPort + deployed + at);
  await team.changeHost(hostnode, {
    ...{ gpu: { [gpuModel]: { amount: count } }, cpu: { amount: 4 * count }, ram: { amount: 16 * count } },
    ...{ storage: { amount: 100 * count }, ports },
  });
}

/** A VM as somebody deploys it in the provider's dashboard; after `makeRoom`. Gives its id. */
export async function deployByHand(team: Organization, name: string): Promise<string> {
  const answer = await team.call('client/deploy/single', {
    ...{ name, password: 'superC0mplexPassword', hostnode, operating_system: 'Ubuntu 22.04 LTS' },
    ...{ gpu_model: gpuModel, gpu_count: 1, vcpus: 2, ram: 4, storage: 20 },
    ...{ external_ports: `{${firstPort + deployed++}}`, internal_ports: '{22}' },
  });
  if (typeof answer['server'] !== 'string') throw new Error(`no VM was deployed: ${JSON.stringify(answer)}`);
  return answer['server'];
}

/** What a VM is called that an installation has made for a resource that is not there any more. */
export function strayName(installation: string): string {
  return vmNameOf({ installation, uid: randomUUID(), attempt: 1 });
}
