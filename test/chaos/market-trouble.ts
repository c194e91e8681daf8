import { Random } from '../../src/sim/random.ts';
import { keepOn, rest } from './rest.ts';
import type { Account, Scene } from './scene.ts';
import { cheapModels } from './vm-wishes.ts';

/** The spot market: prices rise above bids and fall again, everywhere or on one host, and places are taken. */

type Move = (account: Account, random: Random) => Promise<void>;

/** null: a share of the price on demand, which walks. */
const prices = [null, '0.02', '0.04', '0.08', '0.11', '0.15', '0.25', '5.00'] as const;
/** What a host asks whose VMs are better had elsewhere. */
const dear = [null, '0.15', '0.25', '5.00', '5.00'] as const;
/** Lower than every bid. */
const wins = '0.01';

async function moveModel({ organization }: Account, random: Random): Promise<void> {
  await organization.market(random.pick(prices), { gpuModel: random.pick(cheapModels) });
}

/** Where somebody's VM is, if there is one. */
async function moveHost({ organization }: Account, random: Random): Promise<void> {
  const { vms, hosts } = organization.simulator.machine.world;
  const taken = [...vms.values()].filter(({ bid }) => bid !== undefined).map(({ host }) => host.id);
  const hostnode = random.pick(taken.length > 0 ? taken : [...hosts.keys()]);
  await organization.market(random.pick(dear), { hostnode });
}

async function takePlaces({ organization }: Account, random: Random): Promise<void> {
  await organization.control('POST', 'market', { outbid: random.pick([1, 1, 2, 9]) });
}

async function fall({ organization }: Account, random: Random): Promise<void> {
  await organization.market(random.pick([null, '0.02', '0.04']));
}

const moves: readonly (readonly [move: Move, name: string, weight: number])[] = [
  [moveModel, 'moves for one model', 3],
  [moveHost, 'moves on one host', 6],
  [takePlaces, 'takes places', 3],
  [fall, 'falls', 2],
];
const drawn = moves.flatMap((entry) => Array.from({ length: entry[2] }, () => entry));

export async function troubleMarket(scene: Scene, account: Account, seed: number, signal: AbortSignal): Promise<void> {
  const random = new Random(seed, `market ${account.organization.account}`);
  await keepOn(signal, async () => {
    await rest(random.integer(500, 4_000), signal);
    const [move, name] = random.pick(drawn);
    scene.diary.count(`market ${name}`, account.organization.account);
    await move(account, random);
  });
}

/** Every bid wins everywhere from now on. */
export async function endMarketTrouble({ organization }: Account): Promise<void> {
  await organization.market(wins);
}
