import type { Condition } from '../../api/conditions.ts';
import type { KubeEvent } from '../common/kube-events.ts';
import { poolOf, type VmView } from '../common/vm-view.ts';
import type { BadAccount } from './bad-account.ts';
import { nextStepOf } from './next-step.ts';
import { problemsOf, type Problem, type Surroundings } from './problems.ts';

/** What `status` says of one VM; printed as it is with -o json. Holds nothing secret: names of Secrets, no values. */
export interface VmReport {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly createdAt: string | undefined;
  readonly pool: string | undefined;
  readonly account: string | undefined;
  readonly wantedPower: string | undefined;
  readonly phase: string;
  readonly vm: { readonly id: string; readonly host: string | undefined } | undefined;
  readonly gpu: string | undefined;
  readonly size: VmView['status']['size'];
  readonly location: string | undefined;
  readonly hourlyPrice: VmView['status']['hourlyPrice'];
  readonly maxHourlyPrice: string | undefined;
  readonly bid: { readonly now: string | undefined; readonly first: string; readonly most: string } | undefined;
  readonly market: string | undefined;
  readonly address: string | undefined;
  readonly ssh: string | undefined;
  readonly ports: NonNullable<VmView['status']['ports']>;
  readonly connectionSecret: string | undefined;
  readonly service: string | undefined;
  readonly nextEvent: VmView['status']['nextEvent'];
  readonly retiring: NonNullable<VmView['status']['retiring']>;
  readonly conditions: readonly Condition[];
  readonly events: readonly KubeEvent[];
  readonly problems: readonly Problem[];
  /** Of one that is shown by itself: accounts that it uses and that something is the matter with. */
  readonly accounts?: readonly BadAccount[];
  readonly nextStep: string;
}

export function reportOfVm(view: VmView, surroundings: Surroundings, events: readonly KubeEvent[] = []): VmReport {
  const { kind, meta, status } = view;
  const { ports = [], retiring = [], conditions = [], phase = 'Pending' } = status;
  const { namespace = '', name, creationTimestamp: createdAt } = meta;
  return {
    ...{ kind, namespace, name, createdAt, pool: poolOf(view) },
    ...wishesOf(view),
    phase: meta.deletionTimestamp === undefined ? phase : 'Deleting',
    vm: status.vm === undefined ? undefined : { id: status.vm.id, host: status.vm.hostnode },
    ...{ gpu: status.gpu, size: status.size, location: status.location, hourlyPrice: status.hourlyPrice },
    ...{ bid: bidOf(view), market: status.spot?.market },
    ...{ address: status.address, ssh: status.ssh, ports, service: status.serviceName },
    connectionSecret: status.connectionSecretName,
    ...{ nextEvent: status.nextEvent, retiring, conditions, events },
    problems: problemsOf(view, surroundings),
    nextStep: nextStepOf(view, surroundings),
  };
}

function wishesOf({ spec }: VmView): Pick<VmReport, 'account' | 'wantedPower' | 'maxHourlyPrice'> {
  return { account: spec?.accountName, wantedPower: spec?.powerState, maxHourlyPrice: spec?.maxHourlyPrice };
}

function bidOf({ bid, status }: VmView): VmReport['bid'] {
  if (bid === undefined) return undefined;
  return { now: status.vm?.bid, first: bid.price, most: bid.maxPrice ?? bid.price };
}
