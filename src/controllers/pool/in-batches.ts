const mostAtOnce = 16;

/**
 * Runs the jobs in batches of 1, 2, 4 and so on, as ReplicaSets do: where all of them are refused for the same reason, such
 * as a quota, one call finds out. The first batch in which one fails is the last; and so is the one after which `mayGoOn` says
 * no, since a hundred deletions take seconds, in which their user may have thought better of it. It may throw as well.
 */
export async function inBatches<T>(
  jobs: readonly T[],
  run: (job: T) => Promise<void>,
  mayGoOn: () => boolean,
): Promise<void> {
  let next = 0;
  for (let size = 1; next < jobs.length && mayGoOn(); size = Math.min(2 * size, mostAtOnce)) {
    const batch = jobs.slice(next, next + size);
    next += batch.length;
    const results = await Promise.allSettled(batch.map(run));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}
