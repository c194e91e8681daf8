import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { gpuAccountType, gpuPoolType, gpuVmType, spotVmType } from '../../src/api/group.ts';
import { connectionSecretSelector } from '../../src/controllers/connection-secret.ts';
import { decodeSecret, secretType, type SecretObject } from '../../src/controllers/objects.ts';
import { eventType } from '../../src/kube/events.ts';
import { commandLines, leaksIn } from '../support/leaks.ts';
import { pair } from '../support/organization.ts';
import { planted } from './planted.ts';
import type { Scene } from './scene.ts';

/** Looks for every secret in everything that can be read without the right to read Secrets, while the resources are there. */
export class SecretSearch {
  readonly #scene: Scene;
  #secrets: readonly string[] = [];

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** In statuses, Events, metrics and command lines. Takes note of the passwords that the operator has made. */
  async searchCluster(): Promise<void> {
    const { kube } = this.#scene.cluster;
    const { items } = await kube.list<SecretObject>(secretType, { labelSelector: connectionSecretSelector });
    const passwords = items.flatMap((secret) => decodeSecret(secret, 'password') ?? []);
    this.#secrets = [...new Set([...planted, pair.api_key, pair.api_token, ...passwords])];
    for (const type of [gpuVmType, spotVmType, gpuPoolType, gpuAccountType, eventType]) {
      this.#search(`the list of ${type.plural}`, JSON.stringify(await kube.list(type)));
    }
    for (const { current } of this.#scene.operators.all) this.#search('the metrics', await current.metrics());
    this.#search('the command lines', commandLines());
  }

  /** In all that any operator has written; they have ended. */
  searchLogs(): void {
    const directory = path.join(this.#scene.directory, 'operators');
    for (const name of readdirSync(directory)) this.#search(name, readFileSync(path.join(directory, name), 'utf8'));
  }

  #search(where: string, text: string): void {
    for (const secret of leaksIn(text, this.#secrets)) {
      this.#scene.diary.problem(`a secret that begins with "${secret.slice(0, 8)}" is in ${where}`);
    }
  }
}
