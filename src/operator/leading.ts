import { installationId } from '../api/vm-name.ts';
import type { AccountRegistry } from '../controllers/accounts.ts';
import { namespaceType } from '../controllers/objects.ts';
import type { KubeApi } from '../kube/contract.ts';
import type { Runner } from '../kube/runner.ts';
import type { OperatorDeps } from './deps.ts';
import type { Spending } from './spending.ts';

/**
 * Only who leads reconciles and calls the provider; the stores are kept warm in any case. A leader that is deposed does
 * not begin again: it stops calling at once, and its process ends.
 */
export function leadRunners(
  { leadership, log, onDeposed }: OperatorDeps,
  {
    runners,
    accounts,
    spending,
    life,
  }: {
    readonly runners: readonly Runner[];
    readonly accounts: AccountRegistry;
    readonly spending: Spending;
    readonly life: { isStopping: boolean };
  },
): void {
  leadership.onGained(() => {
    // A leader that stops and waits for its calls goes on renewing, and may lose the lease meanwhile and get it again.
    if (life.isStopping) return;
    spending.costs.begin();
    for (const runner of runners) runner.start();
  });
  leadership.onLost(() => {
    if (life.isStopping) return;
    for (const runner of runners) void runner.stop(0, 'leadershipLost');
    accounts.stop();
    log.error({}, 'no longer leading: ending the process');
    onDeposed();
  });
}

/** Which installation this is, where nobody has said so: the cluster tells. */
export async function installationOf(kube: KubeApi): Promise<string> {
  const namespace = await kube.get(namespaceType, { name: 'kube-system' });
  if (namespace === undefined) {
    throw new Error('the cluster has no kube-system namespace to derive the installation from: give --installation');
  }
  return installationId(namespace.metadata.uid);
}
