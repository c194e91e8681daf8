import { Command } from 'commander';

import { gpuPoolKind } from '../api/gpu-pool.ts';
import type { PowerState } from './power/look.ts';
import { poolTarget, vmTarget, type PowerTarget } from './power/target.ts';
import { CliError } from './common/cli-error.ts';
import { examples } from './common/examples.ts';
import { exitCodes } from './common/exit-codes.ts';
import { find } from './common/find.ts';
import { vmsAndPools } from './common/kinds.ts';
import { withClusterOptions, withSession, type ClusterFlags, type Session } from './common/session.ts';
import { poolOf, shortNameOf, vmViewOf, type VmView } from './common/vm-view.ts';
import { waitOptions, waitUntil, type WaitFlags } from './common/wait.ts';

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
  return powerCommand(
    command,
    ['Released'],
    `  gpuvm release trainer\n  gpuvm release pool/workers           all members`,
  );
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
  command.argument('<name>', 'NAME or KIND/NAME; of a pool all members are switched');
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
  const target = await targetOf(session, name);
  if (states.length > 1) target.refuseRestart();
  // Between stop and start there is no way around waiting: only the last state may be left to come about.
  for (const [at, state] of states.entries()) {
    const isLast = at === states.length - 1;
    await setPower(session, target, state, isLast && !flags.wait ? undefined : flags.timeout);
  }
}

async function targetOf(session: Session, name: string): Promise<PowerTarget> {
  const { kind, object } = await find(session, name, vmsAndPools);
  if (kind === gpuPoolKind) return poolTarget(session, object);
  const view = vmViewOf(kind.type.kind, object);
  refuseMemberOfPool(view);
  return vmTarget(session, view);
}

/** The pool would set it back at once. */
function refuseMemberOfPool(view: VmView): void {
  const pool = poolOf(view);
  if (pool === undefined) return;
  throw new CliError(
    `${shortNameOf(view)} is a member of gpupool/${pool}, which says whether its members run`,
    exitCodes.failed,
    `Name gpupool/${pool} instead: all of its members are switched.`,
  );
}

/** @param timeoutMs undefined: it is not waited for */
async function setPower(
  { io }: Session,
  { name, ask }: PowerTarget,
  state: PowerState,
  timeoutMs: number | undefined,
): Promise<void> {
  const look = await ask(state);
  const more = `${io.program} status ${name} shows how far it is.`;
  if (timeoutMs === undefined) {
    io.note(`${name} is to be ${state}; ${more}`);
    return;
  }
  const afterwards = `${name} is still to be ${state}: the operator goes on with it. ${more}`;
  io.out(`${name}: ${await waitUntil(io, look, { timeoutMs, afterwards })}`);
}
