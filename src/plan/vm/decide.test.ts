import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { anyObservation, livingUid } from '../../../test/support/any-observation.ts';
import { installation, launchOf, minute, now, timings, uid } from '../../../test/support/builders.ts';
import { decided } from '../../../test/support/verdicts.ts';
import { markOf } from '../../api/vm-name.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import { expiryOf } from '../expiry.ts';
import type { Offer } from '../placement.ts';
import { decideVm, rules } from './decide.ts';
import { deletionRules } from './deletion.ts';
import type { VmObservation } from './observation.ts';
import { ownershipOfRecord, recordsOf } from './ownership.ts';
import { moneyHold } from './power-hold.ts';
import { isInDoubt, uncertainSince } from './proof.ts';
import { statusOfVm } from './status.ts';
import { changesProvider, type Step } from './verdict.ts';

function check(property: (given: VmObservation) => void): void {
  fc.assert(fc.property(anyObservation, property), { numRuns: 4_000 });
}

function snapshotIn(given: VmObservation): Snapshot | undefined {
  return given.account.kind === 'ready' ? given.account.snapshot : undefined;
}

/** Rules that wait for nothing but what wakes by itself, and what that is. */
const wokenBy: Readonly<Record<string, string>> = {
  specIsInvalid: 'a change of the spec',
  storageIsTooSmall: 'a change of the spec',
  nothingIsLeftToDo: 'a change of the resource: others hold it',
  vmEntryIsUnreadable: 'the list, when the entry can be read again or is gone',
  statusIsUnknown: 'the list, when the status changes',
  vmIsStoppedAsAsked: 'the list, when the VM changes; a change of the spec',
  vmRuns: 'the list, when the VM changes; a change of the spec',
  vmIsHeldBack: 'whoever holds it back',
  vmIsNotWantedNow: 'a change of the spec',
  vmIsRecorded: 'the list, when the VM changes',
};

it('no two rules have one name: by it the log says which one decided, and a bundler would change it', () => {
  const names = [...new Set([...rules, ...deletionRules])].map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

describe('whatever was seen, a decision', () => {
  it('is the same when it is made again', () => {
    check((given) => {
      expect(decideVm(given)).toEqual(decideVm(given));
    });
  });

  it('leads to a status that is sound by convention and by its schema', () => {
    check((given) => {
      decided(given);
    });
  });

  it('is not made by chance: some rule always speaks', () => {
    check((given) => {
      expect(decideVm(given).rule).not.toBe('none');
    });
  });

  it('that waits names what wakes it', () => {
    check((given) => {
      const { rule, step, look, probe } = decideVm(given);
      if (step.kind !== 'wait' || given.meta.paused) return;
      const isLooked =
        look?.inMs !== undefined ||
        look?.snapshotAfter !== undefined ||
        look?.hosts === true ||
        look?.instants === true ||
        look?.bids !== undefined ||
        probe !== undefined;
      expect(isLooked || Object.hasOwn(wokenBy, rule), rule).toBe(true);
    });
  });

  it('that is to be made again in a moment is another one by then', () => {
    check((given) => {
      const verdict = decideVm(given);
      if (verdict.step.kind !== 'wait' || (verdict.look?.inMs ?? Infinity) > 1) return;
      const { step, look } = decideVm({ ...given, now: given.now + 1, status: statusOfVm(given, verdict) });
      // To wait for another moment, time and again, would be a hot loop.
      if (step.kind === 'wait') expect(look?.inMs ?? Infinity, verdict.rule).toBeGreaterThan(1);
    });
  });

  it('that asks for a list asks for one that is not here yet', () => {
    check((given) => {
      const { rule, step, look } = decideVm(given);
      if (step.kind !== 'wait' || look?.snapshotAfter === undefined) return;
      // A list that is here already would wake at once, for the same decision: a hot loop.
      expect(look.snapshotAfter, rule).toBeGreaterThan(snapshotIn(given)?.requestedAt ?? 0);
    });
  });
});

/** It has lost its place, or was given up, and so does not run. */
function mayBeReplaced(given: VmObservation): boolean {
  const { vm } = given.journal;
  const state = snapshotIn(given)?.byId.get(vm?.id ?? '')?.state;
  return vm?.adopted !== true && (state === 'outbid' || state === 'released');
}

function runs(given: VmObservation, id: string): boolean {
  const isOurs = markOf(snapshotIn(given)?.byId.get(id)?.name ?? '')?.uid === uid;
  return isOurs && snapshotIn(given)?.byId.get(id)?.state === 'running';
}

function isNotHeldBack({ meta, journal, marked }: VmObservation): boolean {
  const isRecorded = journal.vm !== undefined || journal.launch !== undefined || (journal.retiring ?? []).length > 0;
  return !meta.hasFinalizer && (isRecorded || marked.length > 0);
}

describe('a resource never expires', () => {
  it.each<[string, (given: VmObservation) => boolean]>([
    ['while it is paused', (given) => given.meta.paused],
    ['while it is being deleted', (given) => given.meta.deleting],
    ['where its VM is to be retained', (given) => given.spec.deletionPolicy === 'Retain'],
    ['before the finalizer is there, where it may have a VM', isNotHeldBack],
    ['without spec.expireAfter', (given) => given.spec.expireAfter === undefined],
    ['before its time', ({ meta, spec }) => (expiryOf(meta.createdAt, spec.expireAfter) ?? Infinity) > now],
  ])('%s', (_, isForbidden) => {
    check((given) => {
      if (isForbidden(given)) expect(decideVm(given).step.kind).not.toBe('expire');
    });
  });
});

/** As it stands in the list, which is fresh, and as the spec asks for it. */
function expectMayBeTaken({ account, spec, spot }: VmObservation, id: string, { size, price }: Offer): void {
  expect(spec).toMatchObject({ instant: 'Prefer', maxHourlyPrice: expect.any(String) as string });
  expect(spot).toBeUndefined();
  if (account.kind !== 'ready') return;
  const { fresh, vms } = account.instants;
  const vm = vms?.find((one) => one.id === id);
  expect([fresh, account.instants.coolingDownUntil(id), vm?.size, vm?.price.total]).toEqual([
    true,
    undefined,
    size,
    price.total,
  ]);
  expect(vm?.operatingSystem).toBe(spec.operatingSystem);
  expect(size.gpuCount).toBe(spec.gpu.count);
  expect(size.vcpus).toBeGreaterThanOrEqual(spec.vcpus);
}

function takesInstant(step: Step): boolean {
  return step.kind === 'launch' && step.plan.instant !== undefined;
}

describe('a VM is never deployed', () => {
  const launches = (given: VmObservation): boolean => decideVm(given).step.kind === 'launch';

  it.each<[string, (given: VmObservation) => boolean]>([
    [
      'while one with our mark is in the list, but for one that is replaced',
      (given) => given.marked.some(({ id }) => id !== given.journal.vm?.id || given.spot === undefined),
    ],
    [
      'while one is recorded, but for a spot VM or the on-demand VM in its place that does not run',
      (given) => given.journal.vm !== undefined && (given.spot === undefined || !mayBeReplaced(given)),
    ],
    ['while one that was replaced runs', (given) => (given.journal.retiring ?? []).some(({ id }) => runs(given, id))],
    ['while the resource is paused', (given) => given.meta.paused],
    ['while the resource is being deleted', (given) => given.meta.deleting],
    ['before the finalizer is there, where it may have a VM', isNotHeldBack],
    ['while the annotation to adopt is there', (given) => given.adoption !== undefined],
    ['before there is a list', (given) => snapshotIn(given) === undefined],
    [
      'while the list cannot be read',
      (given) => given.account.kind === 'ready' && given.account.pollFailure !== undefined,
    ],
    ['while the spec cannot be understood', (given) => given.specProblem !== undefined],
    ['unless it is to run', (given) => given.spec.powerState !== 'Running'],
    ['while it is held back', (given) => given.holds.length > 0],
    ['without what the spec refers to', (given) => given.inputs.kind !== 'resolved'],
    ['before its password is kept', (given) => given.secret.data['password'] === undefined],
    ['while the last deployment is in doubt', ({ journal }) => isInDoubt(journal)],
  ])('%s', (_, isForbidden) => {
    check((given) => {
      if (isForbidden(given)) expect(launches(given)).toBe(false);
    });
  });

  it('above its price cap, on a host that cools down, or under a name that was used', () => {
    check((given) => {
      const { step } = decideVm(given);
      if (step.kind !== 'launch' || given.account.kind !== 'ready') return;
      const { offer, attempt, name } = step.plan;
      if (given.spec.maxHourlyPrice !== undefined) expect(offer.price.total.lte(given.spec.maxHourlyPrice)).toBe(true);
      expect(given.account.offers.coolingDownUntil(offer.host.id)).toBeUndefined();
      if (step.plan.instant !== undefined) expectMayBeTaken(given, step.plan.instant, offer);
      expect(attempt).toBeGreaterThan(given.journal.launch?.attempt ?? 0);
      expect(given.account.snapshot?.byName.has(name)).toBe(false);
    });
  });

  it('by a bid above the most that may be bid, nor is such a bid asked about, nor one that the cap leaves no room for', () => {
    check((given) => {
      const { step } = decideVm(given);
      const bid = step.kind === 'launch' ? step.plan.bid : step.kind === 'askBid' ? step.question.bid : undefined;
      if (bid === undefined) return;
      const own = step.kind === 'askBid' && step.question.vmId !== undefined;
      if (!own) expect(bid.lte(given.spot!.maxPrice)).toBe(true);
      if (step.kind === 'launch') expect(step.plan.offer.price.compute.eq(bid)).toBe(true);
    });
  });

  it('in the place of another one without retiring that', () => {
    check((given) => {
      const { step } = decideVm(given);
      if (step.kind === 'launch') expect(step.plan.replaces).toBe(given.journal.vm?.id);
    });
  });

  it('happens at all, so that the properties above mean something', () => {
    const sample = fc.sample(anyObservation, { numRuns: 4_000, seed: 1 });
    expect(sample.filter(launches).length).toBeGreaterThan(20);
    const taking = sample.filter((given) => takesInstant(decideVm(given).step));
    expect(taking.length).toBeGreaterThan(5);
    const replacing = sample.filter((given) => launches(given) && given.journal.vm !== undefined);
    expect(replacing.length).toBeGreaterThan(5);
  });
});

describe('a launch in doubt', () => {
  it('is only given up when two lists far enough apart, after the call, prove that it made nothing', () => {
    check((given) => {
      const { step } = decideVm(given);
      const { launch: before } = given.journal;
      if (before === undefined || !isInDoubt(given.journal) || step.kind !== 'record') return;
      if (step.journal.launch?.outcome !== 'Absent') return;
      const { absence } = given.facts;
      expect(absence?.launchName).toBe(before.name);
      expect(absence!.latestAt - absence!.firstAt).toBeGreaterThanOrEqual(timings.absenceProofMs);
      const since = uncertainSince(before, given.facts.launchSeenAt!, timings.callTimeoutMs);
      expect(absence!.latestAt).toBeGreaterThanOrEqual(since + 2 * minute);
      expect(given.marked).toEqual([]);
    });
  });
});

describe('a resource that is being deleted', () => {
  it('goes only when nothing of it can live, unless its VM is to be left behind', () => {
    check((given) => {
      if (decideVm(given).step.kind !== 'removeFinalizer') return;
      expect(given.meta.deleting).toBe(true);
      if (given.spec.deletionPolicy === 'Retain' || given.meta.abandoned) return;
      // Whoever else says that it has the VM keeps it, and deletes it with itself.
      if (ownershipOfRecord(given)?.kind === 'contested') return;
      const { journal, facts: learned, marked } = given;
      const snapshot = snapshotIn(given);
      const ids = [...recordsOf(journal), ...marked].map(({ id }) => id);
      for (const id of ids) {
        const listed = snapshot?.byId.get(id);
        expect(learned.deletedAt.get(id)).toBeLessThanOrEqual(snapshot?.requestedAt ?? -1);
        expect(listed === undefined || listed.state === 'terminated').toBe(true);
        expect(snapshot?.distrusted).toBeUndefined();
        expect(snapshot?.unreadable.has(id)).toBe(false);
      }
      if (isInDoubt(journal)) expect(learned.absence?.launchName).toBe(journal.launch?.name);
    });
  });

  it('waits for a list when its last launch is not known to have left nothing, were it in words of a newer release', () => {
    check((given) => {
      const outcome = 'Frobnicated' as never;
      const launch = { ...(given.journal.launch ?? launchOf()), outcome };
      const meta = { ...given.meta, deleting: true, hasFinalizer: true, abandoned: false };
      const deleting = {
        ...given,
        meta,
        spec: { ...given.spec, deletionPolicy: 'Delete' as const },
        journal: { launch },
      };
      if (snapshotIn(given) === undefined) expect(decideVm(deleting).step.kind).not.toBe('removeFinalizer');
    });
  });

  it('does not go before a list that can be trusted shows that it may, whatever its status says, if such a list can be had', () => {
    check((given) => {
      if (decideVm(given).step.kind !== 'removeFinalizer' || given.account.kind !== 'ready') return;
      if (given.spec.deletionPolicy === 'Retain' || given.meta.abandoned) return;
      if (ownershipOfRecord(given)?.kind === 'contested' || given.account.pollFailure?.kind === 'unauthorized') return;
      expect(given.account.snapshot).toMatchObject({ distrusted: undefined });
      expect(given.account.snapshot!.requestedAt).toBeGreaterThanOrEqual(given.facts.deletionSeenAt!);
    });
  });

  it('can always go when it never had a VM, as soon as a list shows so or where nobody can have one', () => {
    check((given) => {
      const { journal, marked, account } = given;
      if (journal.launch !== undefined || recordsOf(journal).length > 0 || marked.length > 0) return;
      if (account.kind === 'notReady' && account.reason === 'CredentialsUnknown') return;
      if (account.kind === 'ready' && (account.snapshot === undefined || account.snapshot.distrusted !== undefined))
        return;
      const seen = { ...given.facts, deletionSeenAt: now - 24 * 60 * minute };
      const deleting = { ...given, meta: { ...given.meta, deleting: true, hasFinalizer: true }, facts: seen };
      expect(decideVm(deleting).step.kind).toBe('removeFinalizer');
    });
  });
});

describe('nothing is changed at the provider', () => {
  it('while the resource is paused, other than by its deletion, or to release what a budget stops', () => {
    check((given) => {
      const { step } = decideVm(given);
      if (!given.meta.paused || given.meta.deleting || !changesProvider(step)) return;
      expect(moneyHold(given)).toBeDefined();
      if (step.kind === 'stop') expect(step.release).toBe(true);
      // Some providers release only what runs.
      else expect([step.kind, given.facts.releaseNeedsStart]).toEqual(['start', true]);
    });
  });

  it('about a VM whose status nobody knows, other than deleting one that must not be there', () => {
    check((given) => {
      const { step } = decideVm(given);
      if (!('vmId' in step) || snapshotIn(given)?.byId.get(step.vmId)?.state !== 'unknown') return;
      expect(step.kind).toBe('delete');
      if (step.kind === 'delete' && !given.meta.deleting) expect(step.why).not.toBe('resourceDeleted');
    });
  });

  it('about a VM that is neither recorded nor marked as ours', () => {
    check((given) => {
      const { step } = decideVm(given);
      if (!changesProvider(step) || !('vmId' in step)) return;
      const ours = [...recordsOf(given.journal), ...given.marked].map(({ id }) => id);
      expect(ours).toContain(step.vmId);
    });
  });

  it("about a VM that carries somebody else's mark, or that was neither made nor taken over by the rules", () => {
    check((given) => {
      const { step } = decideVm(given);
      if (!changesProvider(step) || !('vmId' in step)) return;
      const { journal, facts: learned, rivals } = given;
      const named = learned.confirmations.get(step.vmId)?.name;
      const name = snapshotIn(given)?.byId.get(step.vmId)?.name ?? named;
      if (name === undefined) {
        expect(learned.deployed).toContain(step.vmId);
        return;
      }
      const mark = markOf(name);
      if (mark?.uid === uid) {
        const isSaidToBeIts = journal.vm?.adopted === true || given.adoption?.vmId === step.vmId;
        if (!isSaidToBeIts) expect(mark.installation).toBe(installation);
        return;
      }
      expect(mark?.uid).not.toBe(livingUid);
      expect(mark?.installation ?? installation).toBe(installation);
      expect(journal.vm).toMatchObject({ id: step.vmId, adopted: true });
      expect(journal.vm?.ownerUid ?? uid).toBe(uid);
      expect(['nobody', 'self']).toContain(rivals.adopterOf(step.vmId));
    });
  });

  it('twice by deleting what was confirmed as deleted', () => {
    check((given) => {
      const { step } = decideVm(given);
      if (step.kind === 'delete') expect(given.facts.deletedAt.has(step.vmId)).toBe(false);
    });
  });
});
