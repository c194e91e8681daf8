import type { HostShare } from '../../fleet/contract.ts';
import type { LaunchPlan } from '../../plan/vm/verdict.ts';
import type { AccountRuntime } from '../accounts.ts';

/** Where what a launch takes comes from: a host with room for it, or one ready-made VM. */
export interface Stock {
  /** What failures are counted of. */
  readonly id: string;
  /** Reserved in the same moment as it was chosen, so that no parallel launch chooses the same GPU, port or VM. */
  take(): void;
  /** Nothing was taken of it, certainly. */
  giveBack(): void;
  failed(reason: string): void;
  succeeded(): void;
}

export function stockOf({ instant, offer }: LaunchPlan, { fleet, suspicions }: AccountRuntime): Stock {
  const { offers, instants } = fleet;
  if (instant !== undefined) {
    return {
      id: instant,
      take: () => {
        instants.take(instant);
      },
      giveBack: () => {
        instants.giveBack(instant);
      },
      failed: (reason) => {
        instants.reportFailure(instant, reason);
      },
      succeeded: () => undefined,
    };
  }
  const { id } = offer.host;
  const share: HostShare = { ...offer.size, externalPorts: offer.ports.map((port) => port.external) };
  return {
    id,
    take: () => {
      offers.reserve(id, share);
    },
    giveBack: () => {
      offers.release(id, share);
    },
    failed: (reason) => {
      offers.reportFailure(id, reason);
    },
    succeeded: () => {
      offers.reportSuccess(id);
      suspicions.succeeded(id);
    },
  };
}
