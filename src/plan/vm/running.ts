import type { CloudVm } from '../../provider/contract.ts';
import { connectionData } from './connection.ts';
import type { ConditionDraft } from '../../api/conditions.ts';
import type { VmObservation } from './observation.ts';
import { externalPortOf } from '../ports.ts';
import { liveVm } from './ownership.ts';
import { powerHold } from './power-hold.ts';
import { priceHold } from './price-check.ts';
import type { Rule } from './rule.ts';
import { ready, waiting, type ProbeTarget, type Verdict } from './verdict.ts';

/** A VM in the power state that the spec asks for: publish how to reach it, probe it, say that it is ready. */

const connectionSecretIsStale: Rule = (observation) => {
  const { secret } = observation;
  const vm = liveVm(observation);
  if (vm === undefined || secret.state === 'foreign') return undefined;
  const data = connectionData(observation, vm);
  if (data === undefined || Object.entries(data).every(([key, value]) => secret.data[key] === value)) return undefined;
  return {
    step: { kind: 'writeSecret', data, generatePassword: false },
    phase: 'keep',
    ready: 'keep',
  };
};

const vmIsHeldBackByItsPrice: Rule = (observation) => {
  const vm = liveVm(observation);
  const why = priceHold(observation);
  if (vm === undefined || why === undefined || vm.state === 'running' || vm.state === 'unknown') return undefined;
  return { step: { kind: 'wait' }, phase: 'Released', ready: waiting('PriceViolation', why), stalled: true };
};

const vmIsStoppedAsAsked: Rule = (observation) => {
  const vm = liveVm(observation);
  if (vm === undefined || vm.state === 'running' || vm.state === 'unknown') return undefined;
  const phase = vm.state === 'stopped' ? 'Stopped' : 'Released';
  const bill =
    phase === 'Released'
      ? `VM ${vm.id} is stopped and its GPU given back: only its storage is billed.`
      : `VM ${vm.id} is stopped with everything kept: it is billed as a running one.`;
  const hold = powerHold(observation);
  return {
    step: { kind: 'wait' },
    phase,
    ready: hold === undefined ? waiting(phase, bill) : waiting(hold.reason, `${hold.message} ${bill}`),
  };
};

const vmRuns: Rule = (observation) => {
  const vm = liveVm(observation);
  if (vm?.state !== 'running') return undefined;
  const target = probeTarget(observation, vm);
  if (target === undefined) return { step: { kind: 'wait' }, phase: 'Running', ready: runs(vm) };
  if (typeof target === 'string') return vmCannotBeProbed(observation, vm, target);
  return probed(observation, vm, target);
};

function runs(vm: CloudVm): ReturnType<typeof ready> {
  return ready('True', 'Running', `VM ${vm.id} runs at ${vm.address ?? 'an unknown address'}.`);
}

function probed(observation: VmObservation, vm: CloudVm, target: ProbeTarget): Omit<Verdict, 'rule'> {
  const { probe } = observation.facts;
  const fact = probe?.target === `${target.host}:${target.port}` ? probe : undefined;
  const base = { step: { kind: 'wait' }, phase: 'Running', probe: target } as const;
  switch (fact?.result) {
    case 'success':
      return { ...base, ready: runs(vm), extra: [reachable('True', 'ProbeSucceeded', fact.message)] };
    case 'failure':
      return {
        ...base,
        ready: waiting('NotReachable', `VM ${vm.id} runs, but does not answer its readiness probe: ${fact.message}`),
        extra: [reachable('False', 'ProbeFailed', fact.message)],
      };
    case 'forbidden':
      return {
        ...base,
        ready: waiting('NotReachable', `VM ${vm.id} runs, but may not be probed: ${fact.message}`),
        extra: [reachable('False', 'ProbeForbidden', fact.message)],
        stalled: true,
      };
    case 'pending':
    case undefined:
      return pending(observation, vm, base);
  }
}

/** After a restart of the operator a VM that was Ready stays so until its probe has failed. */
function pending(
  { status }: VmObservation,
  vm: CloudVm,
  base: Pick<Verdict, 'step' | 'phase' | 'probe'>,
): Omit<Verdict, 'rule'> {
  const old = status.conditions?.find((condition) => condition.type === 'Reachable');
  if (old?.status === 'True' && status.phase === 'Running') {
    return { ...base, ready: runs(vm), extra: [reachable('True', 'ProbeSucceeded', old.message)] };
  }
  return {
    ...base,
    ready: waiting('NotReachable', `VM ${vm.id} runs; waiting for its readiness probe.`),
    extra: [reachable('Unknown', 'ProbePending', 'The VM has not been probed yet.')],
  };
}

function reachable(
  status: ConditionDraft['status'],
  reason: 'ProbeSucceeded' | 'ProbeFailed' | 'ProbePending' | 'ProbeForbidden',
  message: string,
): ConditionDraft {
  return { type: 'Reachable', status, reason, message };
}

type Unreachable = 'noForward' | 'noAddress';

function vmCannotBeProbed(observation: VmObservation, vm: CloudVm, why: Unreachable): Omit<Verdict, 'rule'> {
  const message =
    why === 'noForward'
      ? `VM ${vm.id} has no forward for the port of its readiness probe.`
      : `The provider gives no address of VM ${vm.id} that could be probed.`;
  return {
    step: { kind: 'wait' },
    phase: 'Running',
    ready: waiting('NotReachable', message),
    extra: [reachable('False', 'ProbeFailed', message)],
    look: { inMs: observation.timings.retryMs },
  };
}

function probeTarget({ spec }: VmObservation, vm: CloudVm): ProbeTarget | Unreachable | undefined {
  if (spec.readinessProbe === undefined) return undefined;
  const { tcpSocket, periodSeconds, timeoutSeconds, failureThreshold } = spec.readinessProbe;
  const wanted = spec.ports.find((port) => port.name === tcpSocket.port || port.internal === tcpSocket.port);
  const external = wanted === undefined ? undefined : externalPortOf(vm, wanted.internal);
  if (external === undefined) return 'noForward';
  if (vm.address === undefined) return 'noAddress';
  return {
    host: vm.address,
    port: external,
    periodMs: periodSeconds * 1000,
    timeoutMs: timeoutSeconds * 1000,
    failureThreshold,
  };
}

export const runningRules: readonly Rule[] = [
  connectionSecretIsStale,
  vmIsHeldBackByItsPrice,
  vmIsStoppedAsAsked,
  vmRuns,
];
