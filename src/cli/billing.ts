import { Command, InvalidArgumentError, Option } from 'commander';

import { monthOf } from '../fleet/reports.ts';
import { systemClock } from '../lib/clock.ts';
import { examples } from './common/examples.ts';
import { outputOption, print, type OutputFlags } from './common/output.ts';
import { withAccountOptions, withProvider, type AccountFlags } from './common/provider-access.ts';
import { withClusterOptions, withSession, type ClusterFlags } from './common/session.ts';
import { billingData, renderBilling } from './reports/billing-report.ts';

interface Flags extends ClusterFlags, AccountFlags, OutputFlags {
  readonly period?: string;
}

/** `gpuvm billing`: one month of the organization's account at the provider. */
export function billingCommand(): Command {
  const command = new Command('billing')
    .summary("one month of the organization's account at the provider")
    .description(
      "Asks the provider for a month's expenses, payouts and balances (billing/summary), and shows them as it says them. It is meant for organizations that rent out hosts.\nNeeds credentials: TENSORDOCK_API_KEY and TENSORDOCK_API_TOKEN, or the Secret of the GpuAccount where you may read it.",
    )
    .addOption(new Option('--period <month>', 'such as 2026-11; default: this month (UTC)').argParser(monthFrom))
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(`
  gpuvm billing
  gpuvm billing --period 2026-10 --account default
  gpuvm billing -o json | jq '.payoutsOf | map(.amount | tonumber) | add'`),
    );
  return withClusterOptions(withAccountOptions(command)).action((flags: Flags) =>
    withSession(flags, async (session) => {
      const month = flags.period ?? monthOf(systemClock.now());
      const summary = await withProvider(session, { flags, need: 'credentials' }, ({ ask }) =>
        ask((provider) => provider.getSummary(month)),
      );
      const { io } = session;
      print(io, flags.output, billingData(summary), () => renderBilling(summary, month, io.paint));
    }),
  );
}

function monthFrom(text: string): string {
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) return text;
  throw new InvalidArgumentError('give a month such as 2026-11');
}
