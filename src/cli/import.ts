import { Command, InvalidArgumentError, Option } from 'commander';
import { stringify } from 'yaml';

import { annotations } from '../api/group.ts';
import type { CustomObject } from '../controllers/objects.ts';
import { isKubeError } from '../kube/contract.ts';
import { manifestOf, vmIn, type ImportManifest } from './import/manifest.ts';
import { refuseWhatHasAnOwner } from './import/owner.ts';
import { warnOfRetain } from './import/retention.ts';
import { CliError } from './common/cli-error.ts';
import { examples } from './common/examples.ts';
import { exitCodes } from './common/exit-codes.ts';
import { vmKindByName } from './common/kinds.ts';
import { withAccountOptions, withProvider, type AccountFlags } from './common/provider-access.ts';
import { withClusterOptions, withSession, type ClusterFlags, type Session } from './common/session.ts';
import { conditionIn, isOffAsAsked, isReady, shortNameOf, vmViewOf, type VmView } from './common/vm-view.ts';
import { waitOptions, waitUntil, type Look, type WaitFlags } from './common/wait.ts';

interface Flags extends ClusterFlags, AccountFlags, WaitFlags {
  readonly name?: string;
  readonly apply?: boolean;
  readonly deletionPolicy: 'Delete' | 'Retain';
  readonly output: 'yaml' | 'json';
}

/** `gpuvm import VM_ID`: a manifest for a VM that somebody made by hand. */
export function importCommand(): Command {
  const command = new Command('import')
    .summary('take over a VM that exists: writes its manifest, and applies it with --apply')
    .description(
      'Reads a VM from the provider, and writes the manifest of a GpuVm or SpotVm that matches it and takes it over. Nothing is deployed, and nothing about the VM is changed.\ndeletionPolicy is Retain, so that the VM outlives the resource, unless you say otherwise.\nNeeds credentials: TENSORDOCK_API_KEY and TENSORDOCK_API_TOKEN, or the Secret of the GpuAccount where you may read it.',
    )
    .argument('<vm-id>', "the provider's id of the VM")
    .option('--apply', 'create the resource, and wait until it has taken the VM over')
    .addOption(new Option('--name <name>', 'name of the resource; default: from the name of the VM').argParser(nameOf))
    .addOption(
      new Option('--deletion-policy <policy>', 'what happens to the VM when the resource is deleted')
        .choices(['Delete', 'Retain'])
        .default('Retain'),
    )
    .addOption(
      new Option('-o, --output <format>', 'how to print the manifest').choices(['yaml', 'json']).default('yaml'),
    );
  for (const option of waitOptions(5 * 60_000)) command.addOption(option);
  command.addHelpText(
    'after',
    examples(`
  gpuvm import 3f1c0a52-… > trainer.yaml               look at it first
  gpuvm import 3f1c0a52-… --name trainer --apply`),
  );
  return withClusterOptions(withAccountOptions(command)).action((id: string, flags: Flags) =>
    withSession(flags, (session) => importVm(session, id, flags)),
  );
}

async function importVm(session: Session, id: string, flags: Flags): Promise<void> {
  const { io } = session;
  const listing = await withProvider(session, { flags, need: 'credentials' }, ({ ask }) =>
    ask((provider) => provider.listVms()),
  );
  const vm = vmIn(listing, id);
  await refuseWhatHasAnOwner(session, vm, flags.apply === true);
  const manifest = manifestOf(vm, {
    ...{ name: flags.name, deletionPolicy: flags.deletionPolicy },
    // A file that is applied later goes where it is applied, unless somebody has said where.
    namespace: flags.apply === true ? session.namespace : flags.namespace,
    account: flags.account ?? 'default',
  });
  if (flags.apply === true) {
    await warnOfRetain(session, flags.deletionPolicy);
    await applyManifest(session, manifest, flags);
  } else io.out(flags.output === 'json' ? JSON.stringify(manifest, undefined, 2) : stringify(manifest).trimEnd());
}

async function applyManifest(session: Session, manifest: ImportManifest, flags: Flags): Promise<void> {
  const { io, kube, namespace } = session;
  const { type } = vmKindByName(manifest.kind);
  const { name } = manifest.metadata;
  try {
    await kube.create<CustomObject>(type, { ...manifest });
  } catch (error) {
    if (!isKubeError(error, 'alreadyExists')) throw error;
    throw new CliError(
      `there is a ${manifest.kind} "${name}" in namespace "${namespace}" already`,
      exitCodes.failed,
      'Give the new one another name by --name.',
    );
  }
  const short = `${manifest.kind.toLowerCase()}/${name}`;
  const afterwards = `${short} stays, and takes the VM over as soon as it can. ${io.program} status ${short} shows how far it is.`;
  if (!flags.wait) {
    io.note(`${short} is created. ${afterwards}`);
    return;
  }
  const look = async (): Promise<Look<string>> => {
    const object = await kube.get<CustomObject>(type, { namespace, name });
    if (object === undefined) return { kind: 'failed', message: `${short} was deleted meanwhile` };
    return lookAtAdoption(vmViewOf(manifest.kind, object));
  };
  io.out(`${short}: ${await waitUntil(io, look, { timeoutMs: flags.timeout, afterwards })}`);
}

/** How far the adoption is; pure. */
export function lookAtAdoption(view: VmView): Look<string> {
  const { reason = 'Pending', message = 'waiting for the operator to see it' } = conditionIn(view, 'Ready') ?? {};
  const isTaken = view.status.vm !== undefined;
  if (isTaken && (isReady(view) || isOffAsAsked(view))) return { kind: 'done', value: message };
  // That the VM is not found passes: we have just seen it, and the operator's list may be from before.
  if (reason === 'AdoptionRefused' || reason === 'AdoptionMismatch') {
    const remedy = `kubectl edit ${shortNameOf(view)}, or delete it: nothing was changed about the VM while ${annotations.adopt} is there.`;
    return { kind: 'failed', message: `${reason}: ${message}`, hint: remedy };
  }
  return { kind: 'waiting', message: `${reason}: ${message}` };
}

function nameOf(text: string): string {
  if (text.length <= 200 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError('give a name of lower-case letters, digits and dashes');
}
