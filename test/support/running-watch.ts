import { setTimeout as pause } from 'node:timers/promises';

import { markOf } from '../../src/api/vm-name.ts';
import { messageOf } from '../../src/lib/errors.ts';
import type { Organization, SimVm } from './organization.ts';

/** How often the provider is looked at. */
const lookEveryMs = 10;

/** A VM in any of these computes nothing; one in any other state runs, or is about to. */
const idle = new Set(['Outbid', 'Stopping', 'Stopped', 'StoppedDisassociated', 'Deleting', 'Terminated']);

/** Looks at `GET /sim/state` all the while, and collects the moments in which two VMs of one resource run. */
export class RunningWatch {
  readonly #organization: Organization;
  readonly #problems = new Set<string>();
  readonly #ended: Promise<void>;
  #isStopped = false;
  #looks = 0;

  constructor(organization: Organization) {
    this.#organization = organization;
    this.#ended = this.#watch();
  }

  /** Ends the watch. Gives a sentence for each resource that had two VMs running, and one if nothing was ever seen. */
  async stop(): Promise<string[]> {
    this.#isStopped = true;
    await this.#ended;
    if (this.#looks === 0) this.#problems.add('nobody has looked how many VMs run');
    return [...this.#problems];
  }

  async #watch(): Promise<void> {
    while (!this.#isStopped) {
      try {
        this.#check((await this.#organization.state()).vms);
        this.#looks += 1;
      } catch (error) {
        this.#problems.add(`the provider could not be looked at: ${messageOf(error)}`);
      }
      await pause(lookEveryMs);
    }
  }

  #check(vms: readonly SimVm[]): void {
    const running = Map.groupBy(
      vms.filter(({ status }) => !idle.has(status)),
      ({ name }) => markOf(name)?.uid,
    );
    for (const [uid, ofResource] of running) {
      if (uid === undefined || ofResource.length < 2) continue;
      this.#problems.add(
        `two VMs run at once: ${ofResource.map(({ name, status }) => `${name} (${status})`).join(', ')}`,
      );
    }
  }
}
