import { spawnSync } from 'node:child_process';
import { Command } from 'commander';

import { checkAccounts } from './doctor/account-checks.ts';
import { renderChecks, type Check } from './doctor/check.ts';
import { checkCluster, checkCrds } from './doctor/cluster-checks.ts';
import { checkPermissions } from './doctor/permission-checks.ts';
import { checkSession } from './doctor/session-checks.ts';
import { examples } from './common/examples.ts';
import { exitCodes } from './common/exit-codes.ts';
import { outputOption, print, type OutputFlags } from './common/output.ts';
import { Progress } from './common/progress.ts';
import { proxyOption } from './option-types.ts';
import { withClusterOptions, withSession, type ClusterFlags, type Session } from './common/session.ts';
import { systemClock } from '../lib/clock.ts';
import type { ProxyAddress } from '../lib/proxy-address.ts';

interface Flags extends ClusterFlags, OutputFlags {
  readonly providerProxy?: ProxyAddress;
}

/** `gpuvm doctor`: what is in the way, and what to do about it. */
export function doctorCommand(): Command {
  const command = new Command('doctor')
    .summary('check cluster, CRDs, permissions, accounts, provider and clock, and say what to do')
    .description(
      'Looks at all that has to be right, one after the other, and says of what is not how to put it right. Nothing is changed. Ends with code 6 when a check failed.',
    )
    .addOption(
      proxyOption(
        '--provider-proxy <url>',
        'HTTP proxy on the way to the provider: the one that the operator is given',
      ),
    )
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(`
  gpuvm doctor
  gpuvm doctor -n research              may I work in that namespace?
  gpuvm doctor -o json | jq '.[] | select(.state == "failed")'`),
    );
  return withClusterOptions(command).action((flags: Flags) =>
    withSession(flags, async (session) => {
      const { io } = session;
      const checks = await examine(session, flags.providerProxy);
      print(io, flags.output, checks, () => renderChecks(checks, io.paint));
      if (checks.some(({ state }) => state === 'failed')) process.exitCode = exitCodes.no;
    }),
  );
}

async function examine(session: Session, proxy: ProxyAddress | undefined): Promise<readonly Check[]> {
  const startedAt = systemClock.now();
  using progress = new Progress(session.io.progress, () => systemClock.now() - startedAt);
  const look = async <T>(what: string, check: () => Promise<T>): Promise<T> => {
    if (session.io.progress.isTTY === true) progress.show(`looking at ${what}`);
    return check();
  };
  const ssh = checkSsh();
  const { checks, isUp } = await look('the cluster', () => checkCluster(session));
  if (!isUp) {
    const rest = { name: 'all the rest', state: 'skipped', detail: 'nothing can be seen without the cluster' } as const;
    return [...checks, rest, ssh];
  }
  return [
    ...checks,
    ...(await look('the login', () => checkSession(session))),
    await look('the CRDs', () => checkCrds(session)),
    ...(await look('permissions', () => checkPermissions(session))),
    ...(await look('accounts and the provider', () => checkAccounts(session, proxy))),
    ssh,
  ];
}

function checkSsh(): Check {
  const { error, stderr } = spawnSync('ssh', ['-V'], { encoding: 'utf8' });
  const name = 'ssh on this machine';
  if (error === undefined) return { name, state: 'ok', detail: stderr.trim().split(',')[0] ?? '' };
  return {
    name,
    state: 'warning',
    detail: 'there is no ssh on the PATH',
    fix: 'Install an OpenSSH client, to log in to VMs.',
  };
}
