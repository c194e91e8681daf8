import { Command } from 'commander';

import { gpuAccountType } from '../api/group.ts';
import type { CustomObject } from '../controllers/objects.ts';
import { systemClock } from '../lib/clock.ts';
import { accountReportOf, renderAccount, renderAccounts } from './account/report.ts';
import { examples } from './common/examples.ts';
import { find } from './common/find.ts';
import { accounts as accountKinds } from './common/kinds.ts';
import { outputOption, print, type OutputFlags } from './common/output.ts';
import { withClusterOptions, withSession, type ClusterFlags } from './common/session.ts';

interface Flags extends ClusterFlags, OutputFlags {}

/** `gpuvm account [NAME]`: the organizations at the provider. */
export function accountCommand(): Command {
  const command = new Command('account')
    .summary('organizations at the provider: credentials, VMs, balance, limits, and what is wrong')
    .description(
      'Shows a GpuAccount in full, or all of them in a table. By their statuses: the provider is not asked, and no credentials are read.',
    )
    .argument('[name]', 'name of a GpuAccount')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(`
  gpuvm account
  gpuvm account default
  gpuvm account -o json | jq '.[] | select(.unmanagedVms != [])'`),
    );
  return withClusterOptions(command).action((name: string | undefined, flags: Flags) =>
    withSession(flags, async (session) => {
      const { io, kube } = session;
      const look = { now: systemClock.now(), paint: io.paint, program: io.program };
      if (name !== undefined) {
        const report = accountReportOf((await find(session, name, accountKinds)).object, look);
        print(io, flags.output, report, () => renderAccount(report, look));
        return;
      }
      const { items } = await kube.list<CustomObject>(gpuAccountType);
      const reports = items.map((object) => accountReportOf(object, look));
      print(io, flags.output, reports, () => renderAccounts(reports, look));
    }),
  );
}
