import type { Mutation } from './mutation.ts';

/** Deliberate bugs in what is deleted for want of a resource. */
export const unmanagedMutations: readonly Mutation[] = [
  {
    name: 'wait for no grace period',
    harm: 'A resource that is restored a minute later has lost its disk.',
    file: 'src/plan/unmanaged/entries.ts',
    find: 'return isHeld || seenMs(vm.id) < graceMs ? counted',
    replace: 'return isHeld || seenMs(vm.id) + graceMs < 0 ? counted',
    also: {
      file: 'src/plan/unmanaged/objections.ts',
      find: '  graceIsLonger,\n',
      replace: '',
    },
  },
  {
    name: 'count for the grace period when the VM had a resource as well',
    harm: 'A VM that was taken over and left again goes at once.',
    file: 'src/controllers/unmanaged/memory.ts',
    find: 'countedMs: isVoid ? 0 : recordedMs, until: now };',
    replace: 'countedMs: isVoid ? 1e9 : recordedMs + 1e9, until: now };',
  },
  {
    name: 'do not write down what is to be kept',
    harm: 'A VM that was retained looks like one that nobody wants.',
    file: 'src/plan/vm/retention.ts',
    find: "observation.account.kind === 'missing' || observation.isKeptNoted(ids)",
    replace: "observation.account.kind !== 'missing' || observation.isKeptNoted(ids)",
    also: {
      file: 'src/operator/unmanaged.ts',
      find: 'if (!isNoted(keptIn(cluster.accounts.store.get(name)?.status), uid, ids))',
      replace: 'if (isNoted(keptIn(cluster.accounts.store.get(name)?.status), uid, ids))',
    },
  },
  {
    name: 'look at the stores only before a VM is deleted',
    harm: 'A resource that wants the VM loses it, as no watch has told of it yet.',
    file: 'src/plan/unmanaged/objections.ts',
    find: 'const isClaimed = resources.some((resource) => vm !== undefined && claims(resource, vm));',
    replace:
      'const isClaimed = Date.now() < 0 && resources.some((resource) => vm !== undefined && claims(resource, vm));',
  },
  {
    name: "take another installation's VMs for one's own",
    harm: "Two clusters in one organization delete each other's VMs.",
    file: 'src/plan/unmanaged/standing.ts',
    find: "if (markOf(vm.name)?.installation !== facts.installation) return 'foreign';",
    replace: "if (markOf(vm.name)?.installation === undefined) return 'foreign';",
    also: {
      file: 'src/plan/unmanaged/objections.ts',
      find: "markOf(vm?.name ?? '')?.installation === installation ? undefined",
      replace: "installation.length > 0 && markOf(vm?.name ?? '') !== undefined ? undefined",
    },
  },
  {
    name: 'delete without saying so first',
    harm: 'A VM is gone, and nobody knows why.',
    file: 'src/controllers/unmanaged/sweeper.ts',
    find: 'return unmanagedIn(status).flatMap(({ id, deletingSince }) => (deletingSince === undefined ? [] : [id]));',
    replace: 'return unmanagedIn(status).flatMap(({ id, kept }) => (kept === undefined ? [id] : []));',
    also: {
      file: 'src/plan/unmanaged/objections.ts',
      find: '  intentIsGone,\n',
      replace: '',
    },
  },
  {
    name: 'give up after one delete call',
    harm: 'A VM whose deletion failed costs money for ever.',
    file: 'src/controllers/unmanaged/memory.ts',
    find: 'const nextTryAt = now + Math.max(toldMs, backoffMs(retry, failures, random));',
    replace: 'const nextTryAt = now + 1e9 + Math.max(toldMs, backoffMs(retry, failures, random));',
  },
  {
    name: 'hold nothing back',
    harm: 'A cluster that was restored from an old backup deletes the VMs of everybody who came later.',
    file: 'src/plan/unmanaged/breaker.ts',
    find: '  const why = facts.isCertain ? whyHeld(facts, open.length) : facts.stored?.why;',
    replace:
      "  const why = facts.isCertain && whyHeld(facts, open.length) === 'TooMany' ? facts.stored?.why : undefined;",
    also: {
      file: 'src/plan/unmanaged/objections.ts',
      find: '  tooManyWouldGo,\n',
      replace: '',
    },
  },
];
