/** Waits for all of them, whatever becomes of one: what still ran would be begun a second time. Rejects as the first that did. */
export async function settled(calls: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(calls);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
