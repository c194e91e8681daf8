import { Command, InvalidArgumentError, Option } from 'commander';

import { systemClock } from '../lib/clock.ts';
import { examples } from './common/examples.ts';
import { outputOption, print, type OutputFlags } from './common/output.ts';
import { withAccountOptions, withProvider, type AccountFlags } from './common/provider-access.ts';
import { withClusterOptions, withSession, type ClusterFlags } from './common/session.ts';
import { waitOptions, type WaitFlags } from './common/wait.ts';
import { deleteUnmanaged, type DeleteFlags } from './unmanaged/delete.ts';
import { renderUnmanaged, shownLines } from './unmanaged/render.ts';
import { viewOf, type ViewFlags } from './unmanaged/view.ts';

interface ListFlags extends ClusterFlags, AccountFlags, OutputFlags, ViewFlags {
  readonly all?: boolean;
}

interface RemoveFlags extends ClusterFlags, AccountFlags, WaitFlags, ViewFlags, DeleteFlags {}

const whatIsNeeded =
  'Needs credentials: TENSORDOCK_API_KEY and TENSORDOCK_API_TOKEN, or the Secret of the GpuAccount where you may read it; and the right to list gpuvms and spotvms in all namespaces: whose a VM is, the resources say.';

/** `gpuvm unmanaged`: VMs that this installation made, and that no resource owns. */
export function unmanagedCommand(): Command {
  const command = new Command('unmanaged')
    .summary('VMs that no resource owns, and that cost money all the same; delete them')
    .description(
      `Compares the VMs of the organization with the resources of the cluster, and shows those that carry this installation's mark and have none.\n${whatIsNeeded}`,
    )
    .option('--all', 'also VMs of resources, and of others')
    .addOption(outputOption());
  withInstallation(command).addHelpText(
    'after',
    examples(`
  gpuvm unmanaged
  gpuvm unmanaged --all --account default
  gpuvm unmanaged delete 3f1c0a52-… 9a7b11d0-…
  gpuvm unmanaged -o json | jq -r '.[] | select(.standing == "unmanaged") | .id'`),
  );
  withClusterOptions(withAccountOptions(command)).action((flags: ListFlags) => list(flags));
  return command.addCommand(listCommand(command), { hidden: true }).addCommand(deleteCommand(command));
}

function list(flags: ListFlags): Promise<void> {
  return withSession(flags, (session) =>
    withProvider(session, { flags, need: 'credentials' }, async (access) => {
      const { io } = session;
      const view = await viewOf(session, flags, access);
      const all = flags.all === true;
      const look = { now: systemClock.now(), paint: io.paint, program: io.program, all };
      print(io, flags.output, shownLines(view, all), () => renderUnmanaged(view, look));
    }),
  );
}

/** What stands for itself may be said. Its options are those of the parent, which takes them after the word as well. */
function listCommand(parent: Command): Command {
  return new Command('list').action(() => list(parent.opts<ListFlags>()));
}

/** @param parent whose options may stand before the word "delete" as well */
function deleteCommand(parent: Command): Command {
  const command = new Command('delete')
    .summary('delete VMs that no resource owns')
    .description(
      `Deletes VMs for good, with their disks, and waits until the list no longer has them. Only those that carry this installation's mark and have no resource, which is looked at again right before each is deleted: if one that you name may not be deleted, none is.\n${whatIsNeeded}`,
    )
    .argument('<vm-ids...>', "the provider's ids of the VMs")
    .option('--yes', 'do not ask; what was to be kept stays')
    .option('--kept', 'with --yes: also what was to be kept');
  for (const option of waitOptions(2 * 60_000)) command.addOption(option);
  withInstallation(command);
  return withClusterOptions(withAccountOptions(command)).action((ids: readonly string[], own: RemoveFlags) => {
    const flags = { ...parent.opts<Partial<RemoveFlags>>(), ...own };
    return withSession(flags, (session) =>
      withProvider(session, { flags, need: 'credentials' }, (access) =>
        deleteUnmanaged(session, { ids, flags, access }),
      ),
    );
  });
}

function withInstallation(command: Command): Command {
  return command.addOption(
    new Option(
      '--installation <id>',
      'which one, by the eight digits in the names of its VMs; default: as the account says',
    ).argParser((text) => {
      if (/^[0-9a-f]{8}$/.test(text)) return text;
      throw new InvalidArgumentError('give eight hexadecimal digits, such as 1a2b3c4d');
    }),
  );
}
