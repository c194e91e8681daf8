import type { Location, VmPrice, VmSize } from './contract.ts';

/**
 * A VM that the provider has made beforehand. Nothing about it can be chosen but its name and how to get in: neither its size
 * nor its system, nor which of its ports can be reached.
 */
export interface InstantVm {
  /** By which it is taken; the VM that it then is may have another id. */
  readonly id: string;
  readonly hostnode: string;
  readonly location: Location;
  /** 0 to 100. */
  readonly uptimePercent: number | undefined;
  readonly size: VmSize;
  /** Undefined: the provider does not say. */
  readonly operatingSystem: string | undefined;
  readonly price: VmPrice;
}

export interface InstantRequest {
  readonly instantId: string;
  readonly name: string;
  readonly password: string | undefined;
  /** One OpenSSH public key line. */
  readonly sshKey: string | undefined;
  /** As in a DeployRequest. */
  readonly cloudInit: string | undefined;
}
