import { decodeSecret, secretType, type SecretObject } from '../../controllers/objects.ts';
import { isKubeError } from '../../kube/contract.ts';
import { CliError } from './cli-error.ts';
import { find } from './find.ts';
import { oneVm } from './kinds.ts';
import type { Session } from './session.ts';
import { conditionIn, shortNameOf, vmViewOf, type VmView } from './vm-view.ts';

/** How to log in to a VM. */
export interface SshAccess {
  readonly view: VmView;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** The connection Secret, where it holds a password and may be read. The password itself stays where it is. */
  readonly passwordSecret: { readonly namespace: string; readonly name: string } | undefined;
}

/** What may go to ssh as a word of its own: whoever can write statuses must not get to add options. */
const plainHost = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,252}$/;
const plainUser = /^[A-Za-z_][A-Za-z0-9._-]{0,63}$/;
const sshPort = 22;

export async function findVm(session: Session, name: string): Promise<VmView> {
  const { kind, object } = await find(session, name, oneVm);
  return vmViewOf(kind.type.kind, object);
}

/** Where to log in to this VM. Throws with what is in the way, and what to do about it. */
export async function sshAccessOf(session: Session, name: string): Promise<SshAccess> {
  const view = await findVm(session, name);
  const { status } = view;
  const { program } = session.io;
  const port = status.ports?.find(({ internal }) => internal === sshPort)?.external;
  if (status.phase !== 'Running' || status.address === undefined) throw notRunning(view, program);
  if (port === undefined) {
    throw new CliError(
      `${shortNameOf(view)} does not forward port ${sshPort}, so nobody can log in from outside`,
      undefined,
      `${program} urls ${view.meta.name} lists the ports that it has. Ports cannot be added to a VM that exists.`,
    );
  }
  const { address: host, user = 'user' } = status;
  if (!plainHost.test(host) || !plainUser.test(user)) {
    throw new CliError(`the status of ${shortNameOf(view)} has no address and user that ssh could be given`);
  }
  return { view, host, port, user, passwordSecret: await passwordSecretOf(session, view) };
}

export function notRunning(view: VmView, program: string): CliError {
  const { phase = 'Pending' } = view.status;
  const message = conditionIn(view, 'Ready')?.message ?? 'no operator has looked at it yet';
  const isOff = phase === 'Stopped' || phase === 'Released';
  const hint = isOff ? `${program} start ${view.meta.name}` : `${program} status ${shortNameOf(view)} says more.`;
  return new CliError(`${shortNameOf(view)} does not run (${phase}): ${message}`, undefined, hint);
}

/** Who may not read Secrets logs in by key, or types the password. */
async function passwordSecretOf({ kube }: Session, { meta, status }: VmView): Promise<SshAccess['passwordSecret']> {
  const { namespace = 'default' } = meta;
  const name = status.connectionSecretName;
  if (name === undefined) return undefined;
  const secret = await kube.get<SecretObject>(secretType, { namespace, name }).catch((error: unknown) => {
    if (isKubeError(error, 'forbidden')) return undefined;
    throw error;
  });
  if (secret === undefined || (decodeSecret(secret, 'password') ?? '') === '') return undefined;
  // One that somebody else has put in its place might hold a password for somebody else.
  return secret.metadata.ownerReferences?.some(({ uid }) => uid === meta.uid) === true
    ? { namespace, name }
    : undefined;
}
