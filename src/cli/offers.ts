import { Command, InvalidArgumentError, Option } from 'commander';

import { instantListOf, rankReadyMade, renderInstants } from './market/instant-list.ts';
import { offerListOf, renderOffers } from './market/offer-list.ts';
import { rank } from './market/rank.ts';
import { wishOf, type Wish } from './market/wish.ts';
import { wishOfFlags, wishOptions, type WishFlags } from './market/wish-options.ts';
import { findVm } from './common/access.ts';
import { CliError } from './common/cli-error.ts';
import { examples } from './common/examples.ts';
import { exitCodes } from './common/exit-codes.ts';
import { outputOption, print, type OutputFlags } from './common/output.ts';
import { withAccountOptions, withProvider, type AccountFlags } from './common/provider-access.ts';
import { withClusterOptions, withSession, type ClusterFlags, type Session } from './common/session.ts';
import { shortNameOf, type VmView } from './common/vm-view.ts';

interface Flags extends ClusterFlags, OutputFlags, AccountFlags, WishFlags {
  readonly for?: string;
  readonly all?: boolean;
  readonly instant?: boolean;
  readonly limit: number;
}

/** `gpuvm offers`: what can be rented now, as the operator would see and rank it. */
export function offersCommand(): Command {
  const command = new Command('offers')
    .summary('what can be rented now, at what price, and why not the rest')
    .description(
      "Asks the provider for its hosts, and filters and ranks them as the operator does.\nNeeds no credentials: the inventory is public. Where it is asked: at the GpuAccount's endpoint, or at --endpoint without any cluster.",
    );
  const wishes = wishOptions();
  for (const option of wishes) command.addOption(option);
  command
    .addOption(
      new Option('--for <name>', 'what a GpuVm or SpotVm asks for, by its spec, instead of these options').conflicts(
        wishes.map((option) => option.attributeName()),
      ),
    )
    .option(
      '--instant',
      'also ready-made VMs that fit: with the GPUs that are asked for, and at least so much of the rest',
    )
    .option('--all', 'also each host that does not fit, and why')
    .addOption(new Option('--limit <n>', 'most offers in the table; 0 for all').default(20).argParser(limitOf))
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(`
  gpuvm offers                                         all GPUs, cheapest first
  gpuvm offers --gpu 4090 --count 2 --country Canada
  gpuvm offers --gpu h100 --strategy MostReliable --max-price 3
  gpuvm offers --instant --gpu h100                    and what is there at once
  gpuvm offers --for trainer                           why does it find no host?
  gpuvm offers --endpoint https://dashboard.tensordock.com/api/v0`),
    );
  return withClusterOptions(withAccountOptions(command)).action((flags: Flags) =>
    withSession(flags, (session) => show(session, flags)),
  );
}

async function show(session: Session, flags: Flags): Promise<void> {
  const { io } = session;
  const view = flags.for === undefined ? undefined : await findVm(session, flags.for);
  const account = flags.account ?? view?.spec?.accountName;
  const accountFlags = account === undefined ? flags : { ...flags, account };
  await withProvider(session, { flags: accountFlags, need: 'nothing' }, async ({ ask, endpoint }) => {
    const hosts = await ask((provider) => provider.listHosts());
    const vms = asksForInstants(flags, view) ? await ask((provider) => provider.listInstantVms()) : undefined;
    const others = vms?.map(({ size }) => size.gpuModel);
    const wish = view === undefined ? wishOfFlags(flags, hosts, others) : wishOfView(view);
    const ranked = rank(wish, hosts);
    const ready = vms === undefined ? undefined : rankReadyMade(wish, vms);
    const list = offerListOf(wish, ranked, { endpoint, all: flags.all === true });
    const data = ready === undefined ? list : { ...list, ...instantListOf(ready) };
    const look = { paint: io.paint, limit: flags.limit, isSpot: wish.bid !== undefined, isPreferred: !wish.anyModel };
    print(io, flags.output, data, () => [
      ...renderOffers(list, ranked, look),
      ...(ready === undefined ? [] : renderInstants(ready, wish, io.paint)),
    ]);
    if (ranked.offers.length === 0 && ready?.kind !== 'offers') process.exitCode = exitCodes.no;
  });
}

function asksForInstants({ instant }: Flags, view: VmView | undefined): boolean {
  return instant === true || view?.spec?.instant === 'Prefer';
}

function wishOfView(view: VmView): Wish {
  if (view.spec === undefined)
    throw new CliError(`the spec of ${shortNameOf(view)} is not one that this release knows`);
  return wishOf(view.spec, view.bid);
}

function limitOf(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('give a whole number');
  return Number(text);
}
