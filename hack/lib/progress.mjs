/** How long a step may be silent. */
const everyMs = 10_000;

/** @param {string} line */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * "45s", "2m10s": how long a step has taken so far.
 *
 * @param {number} ms
 */
export function formatElapsed(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

/**
 * Runs a step and says every ten seconds that it still goes on: whoever waits must be able to tell slow from stuck.
 *
 * @template T
 * @param {(elapsed: string) => string} describe the line to show
 * @param {() => Promise<T>} step
 * @returns {Promise<T>}
 */
export async function withProgress(describe, step) {
  const startedAt = Date.now();
  const timer = setInterval(() => {
    say(describe(formatElapsed(Date.now() - startedAt)));
  }, everyMs);
  try {
    return await step();
  } finally {
    clearInterval(timer);
  }
}
