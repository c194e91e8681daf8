import { closest } from '../../lib/closest.ts';
import { dollars } from '../../lib/money.ts';
import type { Wish } from '../market/wish.ts';

/** What a table of prices does not show of a resource. */
export interface Terms {
  /** It runs by the clock. */
  readonly isScheduled?: boolean | undefined;
  /** What was outbid goes on as an on-demand VM. */
  readonly goesOnDemand?: boolean | undefined;
}

/** Sentences about one line of a quote; pure. @param known all models that there are */
export function notesOf(wish: Wish, terms: Terms, known: readonly string[]): readonly string[] {
  return [...unknownModels(wish, known), ...onDemandNote(wish, terms), ...scheduleNote(terms)];
}

/** A model that nobody has now may come; one that is misspelt never does, and beside a good one nothing else shows it. */
function unknownModels({ request }: Wish, known: readonly string[]): string[] {
  const unknown = request.gpu.models.filter((model) => !known.includes(model));
  return unknown.map((model) => {
    const meant = closest(model, known);
    return `no host has a GPU model "${model}"${meant === undefined ? '' : `: did you mean "${meant}"?`}`;
  });
}

function onDemandNote({ cap }: Wish, { goesOnDemand }: Terms): string[] {
  if (goesOnDemand !== true) return [];
  const most = cap === undefined ? '' : `, at ${dollars(cap)} per hour at most (maxHourlyPrice)`;
  return [`while no bid wins it runs on demand (onOutbid)${most}`];
}

function scheduleNote({ isScheduled }: Terms): string[] {
  return isScheduled === true
    ? ['it has a schedule, which is not in these sums: a month is one in which it runs all the time, or never']
    : [];
}
