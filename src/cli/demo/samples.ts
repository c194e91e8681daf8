import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';

/** An object of a manifest, before it is sent. */
const manifestSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
  spec: z.record(z.string(), z.unknown()).optional(),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** All objects of the folder's YAML files, in the order in which `kubectl apply --filename` takes them. */
export function readSamples(directory: string): Manifest[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .flatMap((file) => parseManifests(readFileSync(path.join(directory, file), 'utf8'), file));
}

/** @param file name for the message of the Error that bad YAML leads to */
export function parseManifests(text: string, file: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) throw new Error(`${file}: ${problem.message}`);
    const value: unknown = document.toJS();
    return value === null ? [] : [manifestSchema.parse(value)];
  });
}

export interface Surroundings {
  /** Base URL of the simulator's API. */
  readonly endpoint: string;
  readonly requestsPerSecond: number;
  readonly credentials: { readonly apiKey: string; readonly apiToken: string };
  /** Whether guests can be probed at loopback addresses of their own. */
  readonly guestsAnswer: boolean;
}

/**
 * The samples as the demo applies them. Every account is pointed at the simulator: with the endpoint that the file
 * leaves to its default the demo would talk to the real provider. Its credentials Secret, which the samples do not
 * hold, is put before it.
 */
export function adaptSamples(samples: readonly Manifest[], surroundings: Surroundings): Manifest[] {
  return samples.flatMap((sample) => {
    switch (sample.kind) {
      case 'GpuAccount':
        return adaptAccount(sample, surroundings);
      case 'GpuVm':
      case 'SpotVm':
        return [rememberApplied(sample, surroundings.guestsAnswer ? sample : withoutProbe(sample))];
      default:
        return [rememberApplied(sample, sample)];
    }
  });
}

const credentialsRef = z.object({ namespace: z.string(), name: z.string() });

function adaptAccount(account: Manifest, surroundings: Surroundings): Manifest[] {
  const { endpoint, requestsPerSecond, credentials } = surroundings;
  const { namespace, name } = credentialsRef.parse(account.spec?.['credentialsSecretRef']);
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name },
      stringData: { api_key: credentials.apiKey, api_token: credentials.apiToken },
    },
    rememberApplied(account, { ...account, spec: { ...account.spec, endpoint, requestsPerSecond } }),
  ];
}

function withoutProbe(vm: Manifest): Manifest {
  const spec = Object.entries(vm.spec ?? {}).filter(([field]) => field !== 'readinessProbe');
  return { ...vm, spec: Object.fromEntries(spec) };
}

/** What `kubectl apply` leaves on an object, and asks for when it is given the same file later. */
function rememberApplied(sample: Manifest, applied: Manifest): Manifest {
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify(sample)}\n` };
  return { ...applied, metadata: { ...applied.metadata, annotations } };
}
