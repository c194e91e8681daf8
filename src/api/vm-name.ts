import { createHash } from 'node:crypto';

/**
 * The name of a VM at the provider is its owner's mark. It is the only thing of ours that `client/list` gives back, so
 * everything needed to find the owner again is in it: this installation, the resource's UID and the attempt.
 *
 *   gpuvm-1a2b3c4d-0f8e6c1de2b94a3f9c5d7e8f01234567-3
 *   prefix installation UID without dashes          attempt      (at most 60 characters, the provider's limit)
 */
export interface VmMark {
  /** Eight hexadecimal digits. */
  readonly installation: string;
  /** UID of the owning resource, with dashes. */
  readonly uid: string;
  /** 1 for the first deployment of this resource, counting up. */
  readonly attempt: number;
}

const prefix = 'gpuvm';
const markPattern =
  /^gpuvm-([0-9a-f]{8})-([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})-([1-9][0-9]{0,8})$/;
const uidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Throws on a UID that is not the RFC 4122 form the API server makes: a mark that cannot be read back loses its VM. */
export function vmNameOf(mark: VmMark): string {
  if (!uidPattern.test(mark.uid)) throw new Error(`cannot make a VM name from the UID "${mark.uid}"`);
  const name = `${prefix}-${mark.installation}-${mark.uid.replaceAll('-', '')}-${mark.attempt}`;
  if (!markPattern.test(name)) throw new Error(`"${name}" is not a valid VM name`);
  return name;
}

/** The mark in a VM's name, or undefined for a VM that was not made by any installation of this operator. */
export function markOf(vmName: string): VmMark | undefined {
  const match = markPattern.exec(vmName);
  if (match === null) return undefined;
  const [, installation = '', a, b, c, d, e, attempt] = match;
  return { installation, uid: [a, b, c, d, e].join('-'), attempt: Number(attempt) };
}

/** The installation's id, from something that only this cluster has: the UID of its kube-system namespace. */
export function installationId(clusterUid: string): string {
  return createHash('sha256').update(clusterUid).digest('hex').slice(0, 8);
}
