import { Command } from 'commander';

import { examples } from './shared/examples.ts';
import { CliError } from './shared/cli-error.ts';
import { findVm } from './shared/access.ts';
import { withClusterOptions, withSession, type ClusterFlags, type Session } from './shared/session.ts';
import { poolOf, shortNameOf, vmViewOf, type VmView } from './shared/vm-view.ts';
import { exitCodes } from './shared/exit-codes.ts';
import { vmKindByName } from './shared/kinds.ts';
import { waitOptions, waitUntil, type WaitFlags } from './shared/wait.ts';
import { lookAtPower, type PowerState } from './power/look.ts';
import type { CustomObject } from '../controllers/objects.ts';

interface Flags extends ClusterFlags, WaitFlags {}

/** A start may have to wait for the provider to build a VM, a stop for a guest to shut down. */
const initialTimeoutMs = 15 * 60_000;

export function startCommand(): Command {
  const command = new Command('start')
    .summary('have a VM run, and wait until it does')
    .description(
      'Sets spec.powerState to Running, and waits until the VM is Ready.\nOne that was released starts on its own host, as soon as that has room.',
    );
  return powerCommand(command, ['Running'], `  gpuvm start trainer\n  gpuvm start trainer --no-wait`);
}

export function stopCommand(): Command {
  const command = new Command('stop')
    .summary('shut a VM down and keep everything: billed as if it ran')
    .description(
      'Sets spec.powerState to Stopped, and waits until the VM is.\nGPU, memory and disk stay yours, and are billed in full: it starts again at once. To pay for the disk only: release.',
    );
  return powerCommand(command, ['Stopped'], `  gpuvm stop trainer`);
}

export function releaseCommand(): Command {
  const command = new Command('release')
    .summary('shut a VM down and give its GPU back: only the disk is billed')
    .description(
      'Sets spec.powerState to Released, and waits until the VM is.\nThe disk is kept. Somebody else may rent the GPU meanwhile: then the next start waits until there is room again.',
    );
  return powerCommand(command, ['Released'], `  gpuvm release trainer\n  gpuvm release spotvm/sweep`);
}

export function restartCommand(): Command {
  const command = new Command('restart')
    .summary('shut a VM down, and start it again')
    .description(
      'Stops the VM, waits until it is stopped, and starts it again. Nothing is given back meanwhile. Interrupted half-way it stays stopped: start it then.',
    );
  return powerCommand(command, ['Stopped', 'Running'], `  gpuvm restart trainer`);
}

function powerCommand(command: Command, states: readonly PowerState[], lines: string): Command {
  command.argument('<name>', 'NAME or KIND/NAME');
  for (const option of waitOptions(initialTimeoutMs)) command.addOption(option);
  command.addHelpText('after', examples(`\n${lines}`));
  return withClusterOptions(command).action((name: string, flags: Flags) =>
    withSession(flags, (session) => bringTo(session, { name, states, flags })),
  );
}

interface Wish {
  readonly name: string;
  readonly states: readonly PowerState[];
  readonly flags: Flags;
}

async function bringTo(session: Session, { name, states, flags }: Wish): Promise<void> {
  const view = await findVm(session, name);
  refuseMemberOfPool(view);
  // Between stop and start there is no way around waiting: only the last state may be left to come about.
  for (const [at, state] of states.entries()) {
    const isLast = at === states.length - 1;
    await setPower(session, view, state, isLast && !flags.wait ? undefined : flags.timeout);
  }
}

/** The pool would set it back at once. */
function refuseMemberOfPool(view: VmView): void {
  const pool = poolOf(view);
  if (pool === undefined) return;
  throw new CliError(
    `${shortNameOf(view)} is a member of gpupool/${pool}, which says whether its members run`,
    exitCodes.failed,
    `kubectl patch gpupool/${pool} --type=merge -p '{"spec":{"template":{"spec":{"powerState":"Stopped"}}}}'    for all of them`,
  );
}

/** @param timeoutMs undefined: it is not waited for */
async function setPower(
  session: Session,
  view: VmView,
  state: PowerState,
  timeoutMs: number | undefined,
): Promise<void> {
  const { io, kube } = session;
  const { type } = vmKindByName(view.kind);
  const ref = { namespace: view.meta.namespace, name: view.meta.name };
  const patched = await kube.mergePatch<CustomObject>(type, ref, { spec: { powerState: state } });
  const name = shortNameOf(view);
  if (timeoutMs === undefined) {
    io.note(`${name} is to be ${state}; ${io.program} status ${name} shows how far it is.`);
    return;
  }
  const { uid, generation = 0 } = patched.metadata;
  const message = await waitUntil(
    io,
    async () => {
      const object = await kube.get<CustomObject>(type, ref);
      if (object?.metadata.uid !== uid) return { kind: 'failed', message: `${name} was deleted meanwhile` };
      return lookAtPower(vmViewOf(view.kind, object), { state, generation, program: io.program });
    },
    {
      timeoutMs,
      afterwards: `${name} is still to be ${state}: the operator goes on with it. ${io.program} status ${name} shows how far it is.`,
    },
  );
  io.out(`${name}: ${message}`);
}
