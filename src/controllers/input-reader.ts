import type { ContainerSpec } from '../api/container.ts';
import type { VmSpec } from '../api/vm.ts';
import type { Reason } from '../api/reasons.ts';
import type { Clock } from '../lib/clock.ts';
import type { KubeApi } from '../kube/contract.ts';
import type { ContainerProblem, ContainerSecrets } from '../plan/container/render.ts';
import type { InputsView } from '../plan/vm/observation.ts';
import { isUsablePassword } from '../plan/vm/password.ts';
import {
  configMapType,
  decodeSecret,
  ownValue,
  secretType,
  type ConfigMapObject,
  type SecretObject,
} from './objects.ts';

/** Long enough for a burst of VMs that share a key, short enough that a corrected Secret counts at the next look. */
const cacheMs = 2_000;

class InputProblem extends Error {
  readonly reason: Reason;

  constructor(reason: Reason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Reads the Secrets and ConfigMaps that a spec refers to, always from the resource's own namespace: a reference can not
 * reach into another one. They are read when a launch may follow, and not watched, so that the operator need not hold
 * every Secret of the cluster in memory.
 */
export class InputReader {
  readonly #kube: KubeApi;
  readonly #clock: Clock;
  readonly #cache = new Map<
    string,
    { readonly readAt: number; readonly object: Promise<SecretObject | ConfigMapObject | undefined> }
  >();

  constructor(kube: KubeApi, clock: Clock) {
    this.#kube = kube;
    this.#clock = clock;
  }

  /** Rejects only when the API server does not answer. */
  resolve(namespace: string, spec: VmSpec): Promise<InputsView> {
    return orProblem(async () => {
      const [sshKey, password, cloudInit] = await Promise.all([
        this.#sshKey(namespace, spec),
        this.#password(namespace, spec),
        this.#cloudInit(namespace, spec),
      ]);
      return { kind: 'resolved', sshKey, password, cloudInit };
    });
  }

  /** What the container of a pool refers to. Rejects only when the API server does not answer. */
  containerSecrets(
    namespace: string,
    { env, registrySecretRef }: ContainerSpec,
  ): Promise<{ readonly kind: 'resolved'; readonly secrets: ContainerSecrets } | ContainerProblem> {
    return orProblem(async () => {
      const values = new Map<string, string>();
      for (const { secretKeyRef: ref } of env) {
        if (ref !== undefined) values.set(`${ref.name}/${ref.key}`, await this.#text(namespace, ref));
      }
      const registryKey = { name: registrySecretRef?.name ?? '', key: '.dockerconfigjson' };
      const registry = registrySecretRef === undefined ? undefined : await this.#text(namespace, registryKey);
      const secretValue: ContainerSecrets['secretValue'] = ({ name, key }) => values.get(`${name}/${key}`) ?? '';
      return { kind: 'resolved', secrets: { secretValue, registry } };
    });
  }

  async #text(namespace: string, { name, key }: { name: string; key: string }): Promise<string> {
    const value = await this.#secretValue(namespace, name, key);
    // What is put in place of bytes that are no UTF-8: a variable can hold texts only.
    if (!value.includes('\uFFFD')) return value;
    throw new InputProblem('InvalidInput', `Key "${key}" of Secret "${name}" holds no text in UTF-8: encode it.`);
  }

  async #sshKey(namespace: string, { access }: VmSpec): Promise<string | undefined> {
    if (access.sshKeySecretRef === undefined) return undefined;
    const { name, key } = access.sshKeySecretRef;
    const line = (await this.#secretValue(namespace, name, key)).trim();
    if (publicKeyPattern.test(line)) return line;
    const hint = line.includes('PRIVATE KEY') ? ' It looks like a private key: use the public one (.pub).' : '';
    throw new InputProblem(
      'InvalidInput',
      `Key "${key}" of Secret "${name}" is not one OpenSSH public key line, such as "ssh-ed25519 AAAA… me@host".${hint}`,
    );
  }

  async #password(namespace: string, { access }: VmSpec): Promise<string | undefined> {
    if (access.passwordSecretRef === undefined) return undefined;
    const { name, key } = access.passwordSecretRef;
    const password = (await this.#secretValue(namespace, name, key)).replace(/\r?\n$/, '');
    if (isUsablePassword(password)) return password;
    throw new InputProblem(
      'InvalidInput',
      `The password in key "${key}" of Secret "${name}" must have 8 to 128 printable ASCII characters without blanks.`,
    );
  }

  async #cloudInit(namespace: string, { cloudInit }: VmSpec): Promise<string | undefined> {
    if (cloudInit === undefined) return undefined;
    if (cloudInit.inline !== undefined) return cloudInit.inline;
    if (cloudInit.secretRef !== undefined) {
      return limited(
        await this.#secretValue(namespace, cloudInit.secretRef.name, cloudInit.secretRef.key),
        'Secret',
        cloudInit.secretRef,
      );
    }
    if (cloudInit.configMapRef === undefined) return undefined;
    return limited(await this.#configValue(namespace, cloudInit.configMapRef), 'ConfigMap', cloudInit.configMapRef);
  }

  async #secretValue(namespace: string, name: string, key: string): Promise<string> {
    const secret = (await this.#read(secretType, namespace, name)) as SecretObject | undefined;
    if (secret === undefined) {
      throw new InputProblem(
        'SecretNotFound',
        `There is no Secret "${name}" in namespace "${namespace}": create it with the key "${key}".`,
      );
    }
    const value = decodeSecret(secret, key);
    if (value === undefined || value === '') {
      throw new InputProblem('InvalidInput', `Secret "${name}" has no key "${key}", or it is empty: add it.`);
    }
    return value;
  }

  async #configValue(namespace: string, { name, key }: { name: string; key: string }): Promise<string> {
    const configMap = (await this.#read(configMapType, namespace, name)) as ConfigMapObject | undefined;
    if (configMap === undefined) {
      throw new InputProblem(
        'ConfigMapNotFound',
        `There is no ConfigMap "${name}" in namespace "${namespace}": create it with the key "${key}".`,
      );
    }
    const value = ownValue(configMap.data, key);
    if (value === undefined || value === '') {
      throw new InputProblem('InvalidInput', `ConfigMap "${name}" has no key "${key}", or it is empty: add it.`);
    }
    return value;
  }

  async #read(
    type: typeof secretType,
    namespace: string,
    name: string,
  ): Promise<SecretObject | ConfigMapObject | undefined> {
    const id = `${type.plural}/${namespace}/${name}`;
    const now = this.#clock.now();
    const cached = this.#cache.get(id);
    if (cached !== undefined && now - cached.readAt < cacheMs) return cached.object;
    for (const [key, entry] of this.#cache) {
      if (now - entry.readAt >= cacheMs) this.#cache.delete(key);
    }
    const object = this.#kube.get<SecretObject | ConfigMapObject>(type, { namespace, name });
    const entry = { readAt: now, object };
    this.#cache.set(id, entry);
    const drop = (): void => {
      if (this.#cache.get(id) === entry) this.#cache.delete(id);
    };
    // Keys and passwords are worth keeping; a thousand VMs that refer to a megabyte each are not.
    object.then((found) => {
      if (sizeOf(found) > longestKept) drop();
    }, drop);
    return object;
  }
}

async function orProblem<T>(
  read: () => Promise<T>,
): Promise<T | { readonly kind: 'problem'; readonly reason: Reason; readonly message: string }> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof InputProblem) return { kind: 'problem', reason: error.reason, message: error.message };
    throw error;
  }
}

const longestKept = 65_536;

/** Characters of the values. */
function sizeOf(object: SecretObject | ConfigMapObject | undefined): number {
  return Object.values(object?.data ?? {}).reduce((sum, value) => sum + value.length, 0);
}

const publicKeyPattern =
  /^(ssh-(ed25519|rsa|dss)|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com) [A-Za-z0-9+/]{16,}={0,3}( [^\r\n]{0,500})?$/;

/** The API server bounds a ConfigMap by 1 MiB; the provider takes the text in one form field. */
const longestCloudInit = 65_536;

function limited(text: string, kind: string, ref: { name: string; key: string }): string {
  if (text.length <= longestCloudInit) return text;
  throw new InputProblem(
    'InvalidInput',
    `Key "${ref.key}" of ${kind} "${ref.name}" has ${text.length} characters; cloud-init takes at most ${longestCloudInit}.`,
  );
}
