import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { isProviderError } from './error.ts';
import { createGate, type GateOptions, type RunningGate } from './gate.ts';
import { lanes, type Lane, type Ticket } from './gate-contract.ts';

interface Rig {
  readonly clock: VirtualClock;
  readonly gate: RunningGate;
  readonly turns: string[];
  readonly lengths: Map<Lane, number>;
  readonly waits: [Lane, number][];
  readonly expired: string[];
}

function rig(options: Partial<GateOptions> = {}): Rig {
  const clock = new VirtualClock(0);
  const turns: string[] = [];
  const lengths = new Map<Lane, number>();
  const waits: [Lane, number][] = [];
  const expired: string[] = [];
  const gate = createGate({
    clock,
    requestsPerSecond: 1,
    burst: 1,
    onTurn: (key) => turns.push(key),
    hooks: {
      started: (lane, waitedMs) => waits.push([lane, waitedMs]),
      queueLength: (lane, length) => lengths.set(lane, length),
      turnExpired: (_lane, key) => expired.push(key),
    },
    ...options,
  });
  return { clock, gate, turns, lengths, waits, expired };
}

const done = (): Promise<void> => Promise.resolve();

function must(ticket: Ticket | undefined): Ticket {
  return ticket ?? expect.fail('no ticket');
}

describe('who may not call any more', () => {
  it('makes no call, and keeps nobody from a turn', async () => {
    let mayCall = true;
    const { clock, gate, waits } = rig({ mayCall: () => mayCall });
    await must(gate.claim('spend', 'a', 'ns')).run(done);
    await clock.advance(1_000);
    const held = must(gate.claim('stopMoney', 'b', 'ns'));
    mayCall = false;
    let calls = 0;
    const call = (): Promise<void> => {
      calls += 1;
      return done();
    };
    await expect(held.run(call)).rejects.toMatchObject({ kind: 'rateLimited', outcome: 'notDone' });
    await expect(gate.acquire('poll').then((ticket) => ticket.run(call))).rejects.toMatchObject({
      kind: 'rateLimited',
      outcome: 'notDone',
    });
    expect(calls).toBe(0);
    expect(waits).toHaveLength(1);
  });
});

describe('a claim', () => {
  it('gets a ticket at once while there are tokens, and its turn later when there are none', async () => {
    const { clock, gate, turns, waits, lengths } = rig();
    await must(gate.claim('spend', 'a', 'ns')).run(done);
    expect(gate.claim('spend', 'b', 'ns')).toBeUndefined();
    expect(lengths.get('spend')).toBe(1);
    await clock.advance(999);
    expect(turns).toEqual([]);
    await clock.advance(1);
    expect(turns).toEqual(['b']);
    await must(gate.claim('spend', 'b', 'ns')).run(done);
    expect(lengths.get('spend')).toBe(0);
    expect(waits).toEqual([
      ['spend', 0],
      ['spend', 1_000],
    ]);
  });

  it('repeated while queued keeps its place', async () => {
    const { clock, gate, turns } = rig();
    await must(gate.claim('spend', 'a', 'ns')).run(done);
    for (const key of ['b', 'c', 'b']) gate.claim('spend', key, 'ns');
    await clock.advance(1_000);
    expect(turns).toEqual(['b']);
  });

  it('in another lane moves there', async () => {
    const { clock, gate, turns } = rig();
    await must(gate.claim('spend', 'a', 'ns')).run(done);
    gate.claim('spend', 'b', 'ns');
    gate.claim('spend', 'c', 'ns');
    gate.claim('stopMoney', 'c', 'ns');
    await clock.advance(1_000);
    expect(turns).toEqual(['c']);
  });

  it('whose turn is not taken within five seconds makes room for the next', async () => {
    const { clock, gate, turns, expired } = rig();
    await must(gate.claim('spend', 'a', 'ns')).run(done);
    gate.claim('spend', 'gone', 'ns');
    gate.claim('spend', 'b', 'ns');
    await clock.advance(1_000);
    expect(turns).toEqual(['gone']);
    await clock.advance(5_000);
    expect(turns).toEqual(['gone', 'b']);
    expect(expired).toEqual(['gone']);
  });

  it('that is withdrawn leaves the queue, or gives its turn to the next', async () => {
    const { clock, gate, turns } = rig();
    await must(gate.claim('spend', 'a', 'ns')).run(done);
    for (const key of ['b', 'c', 'd']) gate.claim('spend', key, 'ns');
    gate.withdraw('b');
    await clock.advance(1_000);
    expect(turns).toEqual(['c']);
    gate.withdraw('c');
    expect(turns).toEqual(['c', 'd']);
    gate.withdraw('nobody');
  });

  it('may come from within onTurn', async () => {
    const tickets: Ticket[] = [];
    const { clock, gate } = rig({
      onTurn: (key) => {
        tickets.push(must(gate.claim('spend', key, 'ns')));
      },
    });
    await must(gate.claim('spend', 'a', 'ns')).run(done);
    gate.claim('spend', 'b', 'ns');
    await clock.advance(1_000);
    expect(tickets).toHaveLength(1);
  });
});

describe('a ticket', () => {
  it('is good for one call', async () => {
    const { gate } = rig();
    const ticket = must(gate.claim('spend', 'a', 'ns'));
    await ticket.run(done);
    await expect(ticket.run(done)).rejects.toThrow('good for one call');
  });

  it('given back lets the next start at once; given back after use it changes nothing', async () => {
    const { gate, turns, clock } = rig();
    const ticket = must(gate.claim('spend', 'a', 'ns'));
    gate.claim('spend', 'b', 'ns');
    ticket.release();
    ticket.release();
    expect(turns).toEqual(['b']);
    const used = must(gate.claim('spend', 'b', 'ns'));
    await used.run(done);
    gate.claim('spend', 'c', 'ns');
    used.release();
    await clock.advance(999);
    expect(turns).toEqual(['b']);
  });

  it('that was forgotten does not block the gate for ever, and is refused when it is used after all', async () => {
    const { clock, gate, turns } = rig();
    const forgotten = must(gate.claim('spend', 'a', 'ns'));
    gate.claim('spend', 'b', 'ns');
    await clock.advance(9_999);
    expect(turns).toEqual([]);
    await clock.advance(1);
    expect(turns).toEqual(['b']);
    const late = forgotten.run(() => expect.fail('it must not start'));
    await expect(late).rejects.toMatchObject({ kind: 'rateLimited', outcome: 'notDone' });
    await must(gate.claim('spend', 'b', 'ns')).run(done);
  });

  it('passes on what its call resolves with and what it throws', async () => {
    const { gate } = rig({ burst: 2 });
    expect(await must(gate.claim('spend', 'a', 'ns')).run(() => Promise.resolve(7))).toBe(7);
    const failing = must(gate.claim('spend', 'b', 'ns')).run(() => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(gate.inFlight).toBe(0);
  });
});

describe('acquire', () => {
  it('waits in line, before calls that spend', async () => {
    const { clock, gate, turns } = rig();
    await (await gate.acquire('poll')).run(done);
    gate.claim('spend', 'a', 'ns');
    const poll = gate.acquire('poll');
    await clock.advance(1_000);
    expect(turns).toEqual([]);
    await (await poll).run(done);
    await clock.advance(1_000);
    expect(turns).toEqual(['a']);
  });

  it('that is given up leaves the queue', async () => {
    const { clock, gate, turns } = rig();
    await (await gate.acquire('poll')).run(done);
    const abort = new AbortController();
    const poll = gate.acquire('poll', abort.signal);
    const failure = expect(poll).rejects.toThrow('enough');
    gate.claim('spend', 'a', 'ns');
    abort.abort(new Error('enough'));
    await failure;
    await clock.advance(1_000);
    expect(turns).toEqual(['a']);
    await expect(gate.acquire('poll', abort.signal)).rejects.toThrow('enough');
  });

  it('is rejected when the gate closes, now and later', async () => {
    const { gate } = rig();
    await (await gate.acquire('poll')).run(done);
    const failure = expect(gate.acquire('poll')).rejects.toMatchObject({ kind: 'unavailable', outcome: 'notDone' });
    gate.close();
    await failure;
    await expect(gate.acquire('poll')).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

describe('the gate', () => {
  it('lets no call start once it is closed, nor by a ticket that was given before', async () => {
    const { gate } = rig({ requestsPerSecond: 100, burst: 10 });
    const ticket = must(gate.claim('spend', 'a', 'ns'));
    gate.close();
    let calls = 0;
    const count = (): Promise<void> => {
      calls += 1;
      return Promise.resolve();
    };
    await expect(ticket.run(count)).rejects.toMatchObject({ kind: 'unavailable', outcome: 'notDone' });
    expect(calls).toBe(0);
  });

  it('bounds the calls in flight, and goes on as soon as one ends', async () => {
    const { clock, gate, turns } = rig({ requestsPerSecond: 100, burst: 10, maxInFlight: 2 });
    const end = Promise.withResolvers<undefined>();
    const calls = ['a', 'b'].map((key) => must(gate.claim('spend', key, 'ns')).run(() => end.promise));
    expect(gate.inFlight).toBe(2);
    expect(gate.claim('stopMoney', 'c', 'ns')).toBeUndefined();
    await clock.advance(60_000);
    expect(turns).toEqual([]);
    end.resolve(undefined);
    await Promise.all(calls);
    expect(turns).toEqual(['c']);
  });

  it('pauses everyone, those with a ticket too', async () => {
    const { clock, gate, turns } = rig({ burst: 3 });
    const ticket = must(gate.claim('spend', 'a', 'ns'));
    gate.pauseUntil(10_000);
    gate.pauseUntil(4_000);
    const late = ticket.run(() => expect.fail('it must not start'));
    await expect(late).rejects.toMatchObject({ kind: 'rateLimited', outcome: 'notDone' });
    expect(gate.claim('stopMoney', 'b', 'ns')).toBeUndefined();
    await clock.advance(9_999);
    expect(turns).toEqual([]);
    await clock.advance(1);
    expect(turns).toEqual(['b']);
  });

  it('puts keys whose turn the pause took back into the queue', async () => {
    const { clock, gate, turns } = rig();
    await must(gate.claim('spend', 'a', 'ns')).run(done);
    gate.claim('spend', 'b', 'ns');
    await clock.advance(1_000);
    gate.pauseUntil(3_000);
    expect(gate.claim('spend', 'b', 'ns')).toBeUndefined();
    await clock.advance(2_000);
    expect(turns).toEqual(['b', 'b']);
  });

  it('takes a new rate at once, for those who wait as well', async () => {
    const { clock, gate, turns } = rig({ requestsPerSecond: 0.001 });
    await must(gate.claim('spend', 'a', 'ns')).run(done);
    gate.claim('spend', 'b', 'ns');
    gate.setRate({ requestsPerSecond: 10, burst: 1 });
    await clock.advance(100);
    expect(turns).toEqual(['b']);
  });
});

type Step =
  | { readonly act: 'claim'; readonly lane: Lane; readonly key: number; readonly useAfter: number | undefined }
  | { readonly act: 'acquire'; readonly lane: Lane }
  | { readonly act: 'withdraw'; readonly key: number }
  | { readonly act: 'pause'; readonly ms: number }
  | { readonly act: 'wait'; readonly ms: number };

const steps = fc.array(
  fc.oneof(
    fc.record({
      act: fc.constant('claim' as const),
      lane: fc.constantFrom(...lanes),
      key: fc.nat(5),
      useAfter: fc.option(fc.nat(12_000), { nil: undefined }),
    }),
    fc.record({ act: fc.constant('acquire' as const), lane: fc.constantFrom(...lanes) }),
    fc.record({ act: fc.constant('withdraw' as const), key: fc.nat(5) }),
    fc.record({ act: fc.constant('pause' as const), ms: fc.nat(5_000) }),
    fc.record({ act: fc.constant('wait' as const), ms: fc.nat(4_000) }),
  ),
  { maxLength: 60 },
);

describe('under any sequence of claims, withdrawals, pauses and late calls', () => {
  it('the rate holds in every window, the bound in flight holds, nothing starts in a pause, nobody is forgotten', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 3 }), async (sequence: readonly Step[], burst) => {
        const world = new World(burst);
        for (const step of sequence) await world.apply(step);
        await world.rest();
        world.check();
      }),
      { numRuns: 150 },
    );
  });
});

/** Keys that claim again when told, and use their tickets sooner or later or never. */
class World {
  readonly clock = new VirtualClock(0);
  readonly starts: number[] = [];
  readonly wanting = new Map<string, Lane>();
  readonly failures: unknown[] = [];
  readonly #pauses: { from: number; until: number }[] = [];
  readonly #gate: RunningGate;
  #running = 0;
  #mostRunning = 0;
  #acquired = 0;
  #asked = 0;

  constructor(readonlyBurst: number) {
    this.burst = readonlyBurst;
    this.#gate = createGate({
      clock: this.clock,
      requestsPerSecond: 2,
      burst: readonlyBurst,
      maxInFlight: 3,
      onTurn: (key) => {
        const lane = this.wanting.get(key);
        if (lane !== undefined) this.#claim(lane, key, 10);
      },
    });
  }

  readonly burst: number;

  async apply(step: Step): Promise<void> {
    switch (step.act) {
      case 'claim':
        this.wanting.set(String(step.key), step.lane);
        this.#claim(step.lane, String(step.key), step.useAfter);
        return;
      case 'acquire':
        this.#asked += 1;
        void this.#gate.acquire(step.lane).then((ticket) => {
          this.#acquired += 1;
          return this.#use(ticket);
        });
        return;
      case 'withdraw':
        this.wanting.delete(String(step.key));
        this.#gate.withdraw(String(step.key));
        return;
      case 'pause':
        this.#pauses.push({ from: this.clock.now(), until: this.clock.now() + step.ms });
        this.#gate.pauseUntil(this.clock.now() + step.ms);
        return;
      case 'wait':
        await this.clock.advance(step.ms);
    }
  }

  #claim(lane: Lane, key: string, useAfter: number | undefined): void {
    const ticket = this.#gate.claim(lane, key, `ns-${key}`);
    if (ticket === undefined) return;
    this.wanting.delete(key);
    if (useAfter === undefined) return;
    this.clock.after(useAfter, () => void this.#use(ticket));
  }

  /** Tickets that a pause took are refused, and that is all right. */
  async #use(ticket: Ticket): Promise<void> {
    const error: unknown = await ticket.run(() => this.#call()).catch((thrown: unknown) => thrown);
    if (error !== undefined && !isProviderError(error, 'rateLimited')) this.failures.push(error);
  }

  async #call(): Promise<void> {
    this.starts.push(this.clock.now());
    this.#running += 1;
    this.#mostRunning = Math.max(this.#mostRunning, this.#running);
    await new Promise<void>((resolve) => {
      this.clock.after(1_700, resolve);
    });
    this.#running -= 1;
  }

  async rest(): Promise<void> {
    await this.clock.advance(600_000);
  }

  check(): void {
    for (const [first, from] of this.starts.entries()) {
      const within = this.starts.slice(first);
      for (const [more, to] of within.entries()) {
        expect(more + 1).toBeLessThanOrEqual(this.burst + ((to - from) * 2) / 1000 + 1e-6);
      }
    }
    expect(this.#mostRunning).toBeLessThanOrEqual(3);
    for (const pause of this.#pauses) {
      // A call that started in the very millisecond in which the pause was asked for may have been before it.
      expect(this.starts.filter((at) => at > pause.from && at < pause.until)).toEqual([]);
    }
    expect([...this.wanting.keys()]).toEqual([]);
    expect(this.#acquired).toBe(this.#asked);
    expect(this.#running).toBe(0);
    expect(this.failures).toEqual([]);
  }
}
