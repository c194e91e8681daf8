import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMoney, money } from '../lib/money.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import type { VmSize } from '../provider/contract.ts';
import { createBidBook, type BidLimits, type RunningBidBook } from './bids.ts';
import type { KnownBids } from './contract.ts';

const size: VmSize = { gpuModel: 'v100', gpuCount: 1, vcpus: 4, memoryGB: 16, storageGB: 100 };
const larger: VmSize = { ...size, gpuCount: 2 };
const second = 1_000;
const minute = 60 * second;

interface Rig {
  readonly clock: VirtualClock;
  readonly book: RunningBidBook;
  readonly woken: string[];
}

function rig(limits: BidLimits = {}): Rig {
  const clock = new VirtualClock(1_000_000);
  const woken: string[] = [];
  return { clock, woken, book: createBidBook({ clock, limits, wake: (keys) => woken.push(...keys) }) };
}

/** "refused 0.20, wins 0.25" */
function shown({ refused, wins }: KnownBids): string {
  const parts = [
    ...(refused === undefined ? [] : [`refused ${formatMoney(refused)}`]),
    ...(wins === undefined ? [] : [`wins ${formatMoney(wins)}`]),
  ];
  return parts.join(', ') || 'nothing';
}

/** One word per thing that happens: "-0.20" was refused, "+0.25" won, "40s" go by. */
async function play({ clock, book }: Rig, story: string): Promise<void> {
  for (const word of story.split(' ').filter((one) => one !== '')) {
    if (word.endsWith('s')) await clock.advance(Number(word.slice(0, -1)) * second);
    else book.note('h1', size, money(word.slice(1)), word.startsWith('+'));
  }
}

describe('what is known of bids', () => {
  it.each([
    ['nothing before an answer', '', 'nothing'],
    ['the bid that was refused', '-0.20', 'refused 0.20'],
    ['the bid that won', '+0.25', 'wins 0.25'],
    ['both', '-0.20 +0.25', 'refused 0.20, wins 0.25'],
    [
      'the highest of the refused ones and the lowest that won',
      '-0.20 +0.40 -0.10 +0.30 +0.50',
      'refused 0.20, wins 0.30',
    ],
    ['no win of before a refusal that says that the market has risen', '+0.25 +0.30 +0.35 -0.30', 'refused 0.30'],
    ['no refusal of before a win that says that it has fallen', '-0.20 -0.25 -0.30 +0.25', 'wins 0.25'],
    ['the later answer about one and the same bid', '-0.25 +0.25', 'wins 0.25'],
    ['the last of many', '-0.25 +0.25 -0.25', 'refused 0.25'],
    ['nothing that was contradicted, though that was contradicted as well', '+0.50 -0.60 +0.55', 'wins 0.55'],
    ['what was said since the market moved', '+0.60 +0.50 -0.55 +0.58', 'refused 0.55, wins 0.58'],
    ['a refusal for less than a minute', '-0.20 59s', 'refused 0.20'],
    ['no refusal after a minute', '-0.20 60s', 'nothing'],
    ['a win for less than half a minute', '+0.25 29s', 'wins 0.25'],
    ['no win after half a minute', '+0.25 30s', 'nothing'],
    ['what is left when an answer has grown old', '+0.25 20s +0.30 15s', 'wins 0.30'],
    ['an answer that was heard again', '-0.20 40s -0.20 40s', 'refused 0.20'],
  ])('is %s: %s', async (_name, story, expected) => {
    const given = rig();
    await play(given, story);
    expect(shown(given.book.known('h1', size))).toBe(expected);
  });

  it('is known of one host and one size only', () => {
    const { book } = rig();
    book.note('h1', size, money('0.25'), true);
    expect(book.known('h2', size)).toEqual({ isBeingAsked: false });
    expect(book.known('h1', larger)).toEqual({ isBeingAsked: false });
    expect(book.known('h1', { ...size, gpuModel: 'a4000' })).toEqual({ isBeingAsked: false });
    expect(shown(book.known('h1', { ...size }))).toBe('wins 0.25');
  });

  it('grows old as fast as it is told to', async () => {
    const given = rig({ refusedMaxAgeMs: 10 * second, winsMaxAgeMs: 20 * second });
    await play(given, '-0.20 +0.30 10s');
    expect(shown(given.book.known('h1', size))).toBe('wins 0.30');
    await play(given, '10s');
    expect(shown(given.book.known('h1', size))).toBe('nothing');
  });

  it.each([
    ['the only win, however old', '+0.25 1800s', '0.25'],
    ['the lowest of a search', '-0.20 +0.40 -0.30 +0.35', '0.35'],
    ['the lowest while it is young, not a high bid that wins as well', '+0.25 +1.00', '0.25'],
    ['what won last, once what won before has grown old', '+0.25 30s +1.00', '1.00'],
    ['still there after a refusal', '+0.25 -0.30', '0.25'],
    ['nothing where nothing ever won', '-0.25', undefined],
  ])('to guess by is %s: %s', async (_name, story, expected) => {
    const given = rig();
    await play(given, story);
    const { lastWin } = given.book.known('h1', size);
    expect(lastWin === undefined ? undefined : formatMoney(lastWin)).toBe(expected);
  });

  it.each([
    ['the only refusal, however old', '-0.20 1800s', '0.20'],
    ['the highest of a search', '-0.20 +0.40 -0.30 -0.25', '0.30'],
    ['still there after a higher win', '-0.20 90s +0.25', '0.20'],
    ['gone when it wins itself', '-0.20 90s +0.20', undefined],
    ['gone when a lower bid wins', '-0.20 -0.30 +0.25', undefined],
    ['nothing where nothing was ever refused', '+0.25', undefined],
  ])('to ask again by is %s: %s', async (_name, story, expected) => {
    const given = rig();
    await play(given, story);
    const { lastRefused } = given.book.known('h1', size);
    expect(lastRefused === undefined ? undefined : formatMoney(lastRefused)).toBe(expected);
  });

  it('is believed for longer by as much as calls have to wait for their turn', async () => {
    let turnMs = 0;
    const given = rig({ turnMs: () => turnMs });
    await play(given, '-0.20 +0.25 70s');
    expect(shown(given.book.known('h1', size))).toBe('nothing');
    turnMs = 2 * minute;
    await play(given, '-0.20 +0.25 140s');
    expect(shown(given.book.known('h1', size))).toBe('refused 0.20, wins 0.25');
    turnMs = 0;
    expect(shown(given.book.known('h1', size))).toBe('nothing');
  });

  it('says when the last answer came, which a failure is not', async () => {
    const given = rig();
    await play(given, '-0.20 5s');
    given.book.begin('h1', size);
    given.book.failed('h1', size);
    expect(given.book.known('h1', size).askedAt).toBe(1_000_000);
  });

  it('is forgotten an hour after the last question, and then even what once won', async () => {
    const given = rig();
    await play(given, '+0.25 3601s');
    given.book.note('h2', size, money('1'), true);
    expect(given.book.known('h1', size)).toEqual({ isBeingAsked: false });
  });

  it('agrees with all that was answered: refused is below wins, and nothing is left that a later answer contradicts', async () => {
    const moment = fc.record({
      cents: fc.integer({ min: 1, max: 12 }),
      wins: fc.boolean(),
      pauseMs: fc.constantFrom(0, second, 10 * second, 29 * second, 45 * second),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(moment, { maxLength: 25 }), async (moments) => {
        const { clock, book } = rig();
        const said: { readonly cents: number; readonly wins: boolean; readonly at: number; isVoid: boolean }[] = [];
        for (const { cents, wins, pauseMs } of moments) {
          await clock.advance(pauseMs);
          book.note('h1', size, money(cents).div(100), wins);
          const young = said.filter((one) => !one.isVoid && clock.now() - one.at < (one.wins ? 30 : 60) * second);
          const others = young.filter((one) => one.wins !== wins);
          const hasMoved = others.some((one) => (wins ? one.cents >= cents : one.cents <= cents));
          if (hasMoved) for (const one of others) one.isVoid = true;
          said.push({ cents, wins, at: clock.now(), isVoid: false });
          const holds = said.filter((one) => !one.isVoid && clock.now() - one.at < (one.wins ? 30 : 60) * second);
          const [refused, won] = [false, true].map((verdict) =>
            holds.filter((one) => one.wins === verdict).map((one) => one.cents),
          );
          const known = book.known('h1', size);
          expect(known.refused?.times(100).toNumber()).toBe(
            refused?.length === 0 ? undefined : Math.max(...(refused ?? [])),
          );
          expect(known.wins?.times(100).toNumber()).toBe(won?.length === 0 ? undefined : Math.min(...(won ?? [])));
          if (known.refused !== undefined && known.wins !== undefined) expect(known.refused.lt(known.wins)).toBe(true);
        }
      }),
    );
  });
});

describe('a question', () => {
  it('is asked by one at a time, per host and size', () => {
    const { book } = rig();
    expect(book.begin('h1', size)).toBe(true);
    expect(book.known('h1', size).isBeingAsked).toBe(true);
    expect(book.begin('h1', size)).toBe(false);
    expect(book.begin('h1', larger)).toBe(true);
    expect(book.begin('h2', size)).toBe(true);
  });

  it.each([
    [
      'its answer',
      (book: RunningBidBook) => {
        book.note('h1', size, money('1'), false);
      },
    ],
    [
      'its failure',
      (book: RunningBidBook) => {
        book.failed('h1', size);
      },
    ],
  ])('is over with %s', (_name, end) => {
    const { book } = rig();
    book.begin('h1', size);
    end(book);
    expect(book.known('h1', size).isBeingAsked).toBe(false);
    expect(book.begin('h1', size)).toBe(true);
  });

  it('that is never answered is over after a minute, and who waited is woken', async () => {
    const { clock, book, woken } = rig();
    book.begin('h1', size);
    await clock.advance(30 * second);
    book.awaitAnswer('a', 'h1', size);
    await clock.advance(29 * second);
    expect(book.begin('h1', size)).toBe(false);
    expect(woken).toEqual([]);
    await clock.advance(second);
    expect(woken).toEqual(['a']);
    expect(book.begin('h1', size)).toBe(true);
  });

  it('whose answer comes too late is known all the same', async () => {
    const { clock, book } = rig({ questionMs: 10 * second });
    book.begin('h1', size);
    await clock.advance(20 * second);
    book.note('h1', size, money('0.25'), true);
    expect(shown(book.known('h1', size))).toBe('wins 0.25');
  });

  it('that is begun again has its own time', async () => {
    const { clock, book } = rig();
    book.begin('h1', size);
    await clock.advance(50 * second);
    book.failed('h1', size);
    book.begin('h1', size);
    await clock.advance(50 * second);
    expect(book.known('h1', size).isBeingAsked).toBe(true);
  });
});

describe('whoever waits for an answer', () => {
  it('is woken once, by the next answer or failure there, in the order in which they came', () => {
    const { book, woken } = rig();
    book.begin('h1', size);
    for (const key of ['b', 'a', 'c', 'a']) book.awaitAnswer(key, 'h1', size);
    book.note('h2', size, money('1'), true);
    book.note('h1', larger, money('1'), true);
    expect(woken).toEqual([]);
    book.note('h1', size, money('1'), true);
    expect(woken).toEqual(['b', 'a', 'c']);
    book.note('h1', size, money('1'), true);
    book.failed('h1', size);
    expect(woken).toHaveLength(3);
    book.begin('h1', size);
    book.awaitAnswer('d', 'h1', size);
    book.failed('h1', size);
    expect(woken).toEqual(['b', 'a', 'c', 'd']);
  });

  it('may wait at several hosts, and goes on waiting at the others', () => {
    const { book, woken } = rig();
    for (const host of ['h1', 'h2']) {
      book.begin(host, size);
      book.awaitAnswer('a', host, size);
    }
    book.failed('h1', size);
    expect(woken).toEqual(['a']);
    book.failed('h2', size);
    expect(woken).toEqual(['a', 'a']);
  });

  it('is not woken once it is forgotten, while the others are', () => {
    const { book, woken } = rig();
    for (const host of ['h1', 'h2']) {
      book.begin(host, size);
      book.awaitAnswer('a', host, size);
    }
    book.awaitAnswer('b', 'h2', size);
    book.forget('a');
    book.failed('h1', size);
    book.failed('h2', size);
    expect(woken).toEqual(['b']);
  });

  it('where nobody asks is woken after a while, however often it says so', async () => {
    const { clock, book, woken } = rig();
    book.awaitAnswer('a', 'h1', size);
    await clock.advance(40 * second);
    book.awaitAnswer('a', 'h1', size);
    await clock.advance(20 * second);
    expect(woken).toEqual(['a']);
    await clock.advance(10 * minute);
    expect(woken).toEqual(['a']);
  });

  it('where nobody asked, and then somebody did, waits for that answer', async () => {
    const { clock, book, woken } = rig();
    book.awaitAnswer('a', 'h1', size);
    await clock.advance(40 * second);
    book.begin('h1', size);
    await clock.advance(40 * second);
    expect(woken).toEqual([]);
    book.note('h1', size, money('1'), true);
    expect(woken).toEqual(['a']);
  });

  it('leaves no timer behind when it is forgotten', () => {
    const { clock, book } = rig();
    book.awaitAnswer('a', 'h1', size);
    book.awaitAnswer('b', 'h1', size);
    book.forget('a');
    expect(clock.nextDue()).toBeDefined();
    book.forget('b');
    expect(clock.nextDue()).toBeUndefined();
  });

  it('is not woken after the end, and sets no timer then', async () => {
    const { clock, book, woken } = rig();
    book.begin('h1', size);
    book.awaitAnswer('a', 'h1', size);
    book.stop();
    book.note('h1', size, money('1'), true);
    book.begin('h2', size);
    book.awaitAnswer('b', 'h2', size);
    book.failed('h2', size);
    await clock.advance(10 * minute);
    expect(woken).toEqual([]);
    expect(clock.nextDue()).toBeUndefined();
  });
});
