import { afterAll, beforeAll, expect, test } from 'vitest';

import { CallWatch } from '../support/call-watch.ts';
import { Stage } from '../support/stage.ts';

/** How soon a status tells the truth about the market. */

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});

afterAll(() => stage.strike());

test('the first list that shows that a VM is outbid is enough for its status, an Event and the metric to say so', async () => {
  const watch = new CallWatch('client/list');
  stage.atEnd(watch);
  const team = await stage.organization({ endpoint: (url) => watch.standBefore(url) });
  await team.market('0.22');
  const vm = await stage.createSpot(team, 'watched', { onOutbid: 'Wait' });
  const { vm: made } = await vm.untilReady();

  const first = watch.catch('before');
  await first.reached;
  await team.market('0.40');
  // The list after the first one is not answered before all has been said.
  const second = watch.catch('before');
  first.letGo();
  expect(await vm.untilSaid('Outbid')).toContain('does not win since');
  expect(await vm.status()).toMatchObject({
    ...{ phase: 'Outbid', spot: { market: 'Outbid', outbidCount: 1 } },
    vm: { id: made?.id, outbidSince: expect.any(String) as string },
  });
  const event = await vm.untilEvent('Outbid');
  expect(event).toMatchObject({ type: 'Warning', regarding: { kind: 'SpotVm' } });
  expect(await stage.operator.metric('gpuvm_spot_outbid_total', { namespace: team.namespace })).toBe(1);
  second.letGo();
  await vm.delete();
});

test('a provider that takes its time over a question about bids keeps no status from saying so', async () => {
  const watch = new CallWatch('client/spot/validate/existing');
  stage.atEnd(watch);
  const team = await stage.organization({ endpoint: (url) => watch.standBefore(url) });
  await team.market('0.22');
  const vm = await stage.createSpot(team, 'questioned', { onOutbid: 'Wait' });
  await vm.untilReady();
  const question = watch.catch('before');
  await team.market('0.40');
  await question.reached;
  await vm.untilSaid('Outbid');
  // The question has had no answer: a provider that never gives one is given up after three seconds here.
  expect((await team.state()).requests['client/spot/validate/existing']).toBeUndefined();
  question.letGo();
  await vm.delete();
});
