import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { CallWatch, type Moment } from '../support/call-watch.ts';
import { Stage } from '../support/stage.ts';
import { is } from '../support/vm-handle.ts';

/** SIGKILL in the middle of a replacement: what comes after knows of both VMs, and lets one of them run. */

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});

afterAll(() => stage.strike());

describe.each<[Moment, number]>([
  ['before', 1],
  ['after', 2],
])('an operator that is killed right %s it deploys the VM that is to replace an outbid one', (moment, known) => {
  test('is followed by one that ends with one VM running and the old disk kept', async () => {
    const watch = new CallWatch();
    stage.atEnd(watch);
    const team = await stage.organization({ endpoint: (url) => watch.standBefore(url) });
    stage.watchRunning(team);
    await team.market('0.15');
    const vm = await stage.createSpot(team, `killed-${moment}`, { onOutbid: 'Replace', outbidRetention: '100h' });
    const { vm: old } = await vm.untilReady();

    const caught = watch.catch(moment);
    await team.market('0.28');
    await caught.reached;
    await stage.operator.kill();
    const left = await vm.status();
    expect(left.vm).toBeUndefined();
    expect(left).toMatchObject({
      launch: { attempt: 2, outcome: 'Pending', replaces: old?.id },
      retiring: [{ id: old?.id, bid: old?.bid }],
    });
    expect((await team.state()).vms).toHaveLength(known);

    await stage.restartOperator();
    const status = await vm.until(
      'another VM runs in the place of the old one',
      (now) => is(now, 'Ready', 'True') && now.retiring?.[0]?.keepUntil !== undefined,
    );
    const { vms, duplicateNames, requests } = await team.state();
    expect(vms.map(({ id, status: of }) => [id, of]).toSorted()).toEqual(
      [
        [old?.id, 'Outbid'],
        [status.vm?.id, 'Running'],
      ].toSorted(),
    );
    expect(status.retiring).toMatchObject([{ id: old?.id }]);
    expect(requests['client/deploy/single']).toBe(2);
    expect(duplicateNames).toBe(0);
    expect(status.spot).toMatchObject({ outbidCount: 1, market: 'Winning' });
    await vm.delete();
    expect((await team.state()).vms).toEqual([]);
  });
});
