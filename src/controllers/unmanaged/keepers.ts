import { mostKept, type KeptVms } from '../../api/unmanaged-vms.ts';
import { isNoted } from '../../plan/unmanaged/kept.ts';

interface Pending {
  readonly kept: KeptVms;
  /** Of the resource among all kinds, which waits for it; undefined for one that is gone. */
  readonly key: string | undefined;
}

/**
 * What an account still has to write down about VMs that are to be kept. A resource that leaves its VM behind goes only after
 * that: the name of the VM would else be all that is left of it, and says the same of one that was forgotten.
 */
export class Keepers {
  readonly #pending = new Map<string, Map<string, Pending>>();
  readonly #wake: (account: string) => void;

  /** @param wake the account has something to write down */
  constructor(wake: (account: string) => void) {
    this.#wake = wake;
  }

  note(account: string, kept: KeptVms, key: string | undefined): void {
    const pending = this.#pending.get(account) ?? new Map<string, Pending>();
    this.#pending.set(account, pending);
    pending.set(kept.uid, { kept, key });
    const [oldest] = pending.keys();
    // Of an account that does not come into being, or a replica that never leads.
    if (pending.size > mostKept && oldest !== undefined) pending.delete(oldest);
    this.#wake(account);
  }

  pending(account: string): KeptVms[] {
    return [...(this.#pending.get(account)?.values() ?? [])].map(({ kept }) => kept);
  }

  /** Of all accounts. */
  all(): KeptVms[] {
    return [...this.#pending.keys()].flatMap((account) => this.pending(account));
  }

  /** What is written down is waited for no more. Returns the keys of those who did. */
  settle(account: string, stored: readonly KeptVms[]): string[] {
    const pending = this.#pending.get(account);
    const settled = [...(pending?.values() ?? [])].filter(({ kept }) => isNoted(stored, kept.uid, kept.ids));
    for (const { kept } of settled) pending?.delete(kept.uid);
    return settled.flatMap(({ key }) => key ?? []);
  }
}
