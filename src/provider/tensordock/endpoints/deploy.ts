import type { Money } from '../../../lib/money.ts';
import type { CallOptions, PortForward, VmSize } from '../../contract.ts';
import type { Caller } from '../caller.ts';
import { encodeCloudInit, EncodingError, encodePortForwards, type FormFields } from '../encode.ts';
import { endpoints } from '../endpoint.ts';
import { deployAnswer, deployInstantAnswer, type DeployAnswer } from '../wire/vm.ts';

/** How to get into a VM; the user is always `user`. At least one of password and key (A19). */
export interface VmAccess {
  readonly password: string | undefined;
  /** One OpenSSH public key line. */
  readonly sshKey: string | undefined;
  /** Real line breaks; encoded here. */
  readonly cloudInit: string | undefined;
}

export interface DeploySingleRequest extends VmAccess {
  /** 1 to 60 characters, not necessarily unique at the provider (A27). */
  readonly name: string;
  /** UUID of the host, and on it a model and amounts that `hostnodes` lists. */
  readonly hostnode: string;
  /** vCPUs and memory must be even (A29). GPU count 0 leaves the model out (A17). */
  readonly size: VmSize;
  /** One of the provider's names to the letter: "Ubuntu 22.04 LTS". */
  readonly operatingSystem: string;
  /** External ports must be among the free ones of the host; 22 (Windows: 3389) should be forwarded (A16). */
  readonly ports: readonly PortForward[];
  /** A spot VM at this compute price per hour (A21, A22). Absent: on demand. */
  readonly bid?: Money;
}

/**
 * `client/deploy/single` (API reference 5.1): makes one VM. NOT idempotent: each success is another VM. After an
 * `uncertain` failure look for the name in listings requested later, before trying again.
 *
 * @returns `server`, the VM's id; `ip`, a host name or an address; the forwarded ports; `cost`, rates per hour. Not its
 * status: it need not run yet (A7)
 * @throws `invalid`, also before anything is sent if there is neither password nor key (A19) or the cloud-init text cannot
 * be carried (A20); `noCapacity` when the host has no room or a port is taken; `bidTooLow`; `notFound` for an unknown host;
 * `insufficientBalance`
 */
export async function deploySingle(
  call: Caller,
  request: DeploySingleRequest,
  options?: CallOptions,
): Promise<DeployAnswer> {
  return call({
    endpoint: endpoints.deploySingle,
    fields: () => deployFields(request),
    answer: deployAnswer,
    secrets: [request.password, request.cloudInit],
    options,
  });
}

function deployFields(request: DeploySingleRequest): FormFields {
  const ports = encodePortForwards(request.ports);
  const spot = request.bid === undefined ? {} : { price_type: 'spot', price: request.bid.toFixed() };
  return {
    ...accessFields(request),
    name: request.name,
    ...gpuFields(request.size),
    vcpus: request.size.vcpus,
    ram: request.size.memoryGB,
    external_ports: ports.external,
    internal_ports: ports.internal,
    hostnode: request.hostnode,
    storage: request.size.storageGB,
    operating_system: request.operatingSystem,
    ...spot,
  };
}

export interface DeployInstantRequest extends VmAccess {
  /** A key of `virtual_machines` in `client/deploy/instantvms`. */
  readonly instanceUuid: string;
  /** 1 to 60 characters (A27). */
  readonly name: string;
}

/**
 * `client/deployinstant/single` (API reference 7.2): takes a ready-made VM. NOT idempotent, as `deploySingle`.
 *
 * @returns the id of the VM, which need not be that of the instance (A40)
 * @throws as `deploySingle`; `notFound` also when somebody else was faster
 */
export async function deployInstantSingle(
  call: Caller,
  request: DeployInstantRequest,
  options?: CallOptions,
): Promise<string> {
  const answer = await call({
    endpoint: endpoints.deployInstantSingle,
    fields: () => ({ instance_uuid: request.instanceUuid, name: request.name, ...accessFields(request) }),
    answer: deployInstantAnswer,
    secrets: [request.password, request.cloudInit],
    options,
  });
  return answer.vm;
}

/** Model and count; without a GPU the model must be left out (A17). */
export function gpuFields(size: Pick<VmSize, 'gpuCount' | 'gpuModel'>): FormFields {
  return { gpu_count: size.gpuCount, gpu_model: size.gpuCount === 0 ? undefined : size.gpuModel };
}

function accessFields(access: VmAccess): FormFields {
  if ((access.password ?? '') === '' && (access.sshKey ?? '') === '') {
    throw new EncodingError('a VM needs a password or an SSH key');
  }
  return {
    password: access.password,
    ssh_key: access.sshKey,
    cloudinit_script: access.cloudInit === undefined ? undefined : encodeCloudInit(access.cloudInit),
  };
}
