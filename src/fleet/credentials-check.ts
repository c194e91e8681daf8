import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Provider } from '../provider/contract.ts';
import { isProviderError } from '../provider/error.ts';
import type { Gate } from '../provider/gate-contract.ts';
import type { CredentialsCheck } from './contract.ts';

export interface CheckOptions {
  readonly provider: Pick<Provider, 'checkCredentials'>;
  readonly gate: Gate;
  /** There is a verdict. */
  readonly told: () => void;
  readonly log: Logger;
}

export interface RunningCredentialsCheck extends CredentialsCheck {
  /** The pair was exchanged: what was said of the one before counts no more, and the new one is asked about. */
  begin(): void;
  /** A list was refused to this pair: asked once more, which is as often as lists are tried. */
  again(): void;
  stop(): void;
}

/**
 * Whether key and token are good, as the provider says when it is asked for just that. A list that is refused may be so for
 * want of a permission; this tells the two apart. It never keeps a list from being asked for: what counts is that.
 */
export function createCredentialsCheck(options: CheckOptions): RunningCredentialsCheck {
  return new AskedCheck(options);
}

class AskedCheck implements RunningCredentialsCheck {
  readonly #options: CheckOptions;
  readonly #abort = new AbortController();
  #verdict: CredentialsCheck['verdict'];
  /** Of the pairs so far: what is said of one before the last is of no use. */
  #pair = 0;
  #askingAbout: number | undefined;

  constructor(options: CheckOptions) {
    this.#options = options;
  }

  get verdict(): CredentialsCheck['verdict'] {
    return this.#verdict;
  }

  begin(): void {
    this.#pair += 1;
    this.#verdict = undefined;
    void this.#ask();
  }

  again(): void {
    if (this.#askingAbout === this.#pair) return;
    void this.#ask();
  }

  stop(): void {
    this.#abort.abort(new Error('the account was stopped'));
  }

  async #ask(): Promise<void> {
    const pair = this.#pair;
    this.#askingAbout = pair;
    const verdict = await this.#answer();
    if (pair !== this.#pair || this.#abort.signal.aborted) return;
    this.#askingAbout = undefined;
    if (verdict === undefined || verdict === this.#verdict) return;
    this.#verdict = verdict;
    this.#options.told();
  }

  async #answer(): Promise<CredentialsCheck['verdict']> {
    const { gate, provider, log } = this.#options;
    const { signal } = this.#abort;
    try {
      const ticket = await gate.acquire('lookup', signal);
      await ticket.run(() => provider.checkCredentials({ signal }));
      return 'accepted';
    } catch (error) {
      if (isProviderError(error, 'unauthorized')) return 'refused';
      // The next refusal of a list asks again.
      log.debug({ error: messageOf(error) }, 'credentials not checked');
      return undefined;
    }
  }
}
