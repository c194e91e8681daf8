import type { Mutation } from './mutation.ts';

/** Deliberate bugs in what only ready-made VMs have. */
export const instantMutations: readonly Mutation[] = [
  {
    name: 'take the call for a ready-made VM for one that changes nothing',
    harm: 'Where its answer is lost another VM is made.',
    file: 'src/provider/tensordock/endpoint.ts',
    find: "deployInstantSingle: { ...post, path: 'client/deployinstant/single', effect: 'create' },",
    replace: "deployInstantSingle: { ...post, path: 'client/deployinstant/single', effect: 'read' },",
  },
  {
    name: 'give a ready-made VM another name',
    harm: 'It carries no mark, so nobody finds it where the answer is lost.',
    file: 'src/controllers/vm/launch.ts',
    find: 'provider.deployInstant({ instantId: instant, name, ...access }, { signal });',
    replace:
      'provider.deployInstant({ instantId: instant, name: `ready-${name.slice(6, 20)}`, ...access }, { signal });',
  },
  {
    name: 'take a ready-made VM at any price',
    harm: 'Time and again one is paid for that is deleted at once.',
    file: 'src/plan/vm/instant-offers.ts',
    find: 'maxHourlyPrice: priceCap(spec),',
    replace: 'maxHourlyPrice: priceCap({}),',
  },
  {
    name: 'take any ready-made VM for what is asked for',
    harm: 'Its owner pays for GPUs that are of no use.',
    file: 'src/plan/instant-placement.ts',
    find: "if (vm.size.gpuCount !== gpu.count) return 'otherGpus';",
    replace: '',
  },
  {
    name: 'forget that a VM was taken ready-made',
    harm: 'It is stopped to be cut down to what was asked for.',
    file: 'src/plan/vm/size.ts',
    find: 'if (instant !== true) return wanted;',
    replace: 'if (instant === true || Date.now() > 0) return wanted;',
  },
];
