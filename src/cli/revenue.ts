import { Command, InvalidArgumentError, Option } from 'commander';

import type { RevenueQuestion } from '../provider/reports.ts';
import { examples } from './common/examples.ts';
import { outputOption, print, type OutputFlags } from './common/output.ts';
import { withAccountOptions, withProvider, type AccountFlags } from './common/provider-access.ts';
import { withClusterOptions, withSession, type ClusterFlags } from './common/session.ts';
import { renderRevenue, revenueData } from './reports/revenue-report.ts';

interface Flags extends ClusterFlags, AccountFlags, OutputFlags {
  readonly from?: string;
  readonly to?: string;
  readonly host?: string;
  readonly vms?: boolean;
}

/** `gpuvm revenue`: what the organization's hosts have earned. */
export function revenueCommand(): Command {
  const command = new Command('revenue')
    .summary("what the organization's hosts have earned, and how much of them is rented")
    .description(
      'Asks the provider what each host of the organization has earned, and how much of it is rented (billing/revenue).\nNeeds credentials: TENSORDOCK_API_KEY and TENSORDOCK_API_TOKEN, or the Secret of the GpuAccount where you may read it.',
    )
    .addOption(new Option('--from <time>', `beginning of the period; ${timeHelp}`).argParser(timeFrom))
    .addOption(new Option('--to <time>', `its end; ${timeHelp}`).argParser(timeFrom))
    .addOption(new Option('--host <id>', 'only this host').argParser(idFrom))
    .option('--vms', 'each VM below its host')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(`
  gpuvm revenue
  gpuvm revenue --vms --from 2026-11-01T00:00:00Z
  gpuvm revenue -o json | jq -r .total`),
    );
  return withClusterOptions(withAccountOptions(command)).action((flags: Flags) =>
    withSession(flags, async (session) => {
      const question = questionOf(flags);
      const hosts = await withProvider(session, { flags, need: 'credentials' }, ({ ask }) =>
        ask((provider) => provider.getRevenue(question)),
      );
      const { io } = session;
      print(io, flags.output, revenueData(hosts), () => renderRevenue(hosts, flags.vms === true, io.paint));
    }),
  );
}

const timeHelp = 'such as 2026-11-01T00:00:00Z. The provider says in no word which form it takes: it gets yours';

function questionOf({ from, to, host }: Flags): RevenueQuestion {
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(host === undefined ? {} : { hostnode: host }),
  };
}

function timeFrom(text: string): string {
  if (/^\d{9,11}$/.test(text) || (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(Date.parse(text)))) return text;
  throw new InvalidArgumentError('give a time such as 2026-11-01T00:00:00Z, or seconds since 1970');
}

function idFrom(text: string): string {
  if (/^[\w.:-]{1,100}$/.test(text)) return text;
  throw new InvalidArgumentError('give the id of a host, as it is in the list without --host');
}
