import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { CallWatch, type Moment } from '../support/call-watch.ts';
import { Stage } from '../support/stage.ts';

/** SIGKILL at the worst moments: the operator that comes after makes no second VM, and forgets none. */

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});

afterAll(() => stage.strike());

describe.each<[Moment, number]>([
  ['before', 0],
  ['after', 1],
])('an operator that is killed right %s its deploy call', (moment, alreadyMade) => {
  test('is followed by one that ends with exactly one VM', async () => {
    const watch = new CallWatch();
    stage.atEnd(watch);
    const team = await stage.organization({ endpoint: (url) => watch.standBefore(url) });
    const caught = watch.catch(moment);
    const vm = await stage.create(team, `killed-${moment}`);
    await caught.reached;
    await stage.operator.kill();

    expect((await vm.status()).launch).toMatchObject({ attempt: 1, outcome: 'Pending' });
    expect((await team.state()).vms).toHaveLength(alreadyMade);
    await stage.restartOperator();
    await vm.untilReady();

    const { vms, requests, duplicateNames } = await team.state();
    expect(vms).toHaveLength(1);
    expect(requests['client/deploy/single']).toBe(1);
    expect(duplicateNames).toBe(0);
    expect(await vm.vmId()).toBe(vms[0]?.id);
    await vm.delete();
  });
});

test('an operator that is killed while it deletes is followed by one that ends the deletion', async () => {
  const team = await stage.organization({ deleteDelayMs: 1_000 });
  const vm = await stage.create(team, 'killed-deleting');
  await vm.untilReady();
  await vm.askDelete();
  await vm.until('it is being deleted', ({ phase }) => phase === 'Deleting');
  await stage.operator.kill();
  expect(await vm.object()).toBeDefined();
  await stage.restartOperator();
  await vm.untilGone();
  expect((await team.state()).vms).toEqual([]);
});
