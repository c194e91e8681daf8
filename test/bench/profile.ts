import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** What V8 writes, as far as it is read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  /** Of nodes, and microseconds from the sample before to each. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface Cost {
  /** "JSON.parse", "(garbage collector)", "decideVm gpuvm.mjs:1234" */
  readonly what: string;
  readonly seconds: number;
}

const shown = 15;

/** Where the time of the processor went: by functions themselves, without what they call. Most first. */
export function costsOf({ nodes, samples, timeDeltas }: CpuProfile): Cost[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const seconds = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? '';
    // Nobody used the processor.
    if (name !== '(idle)') seconds.set(name, (seconds.get(name) ?? 0) + (timeDeltas[index] ?? 0) / 1e6);
  }
  return [...seconds].map(([what, of]) => ({ what, seconds: of })).sort((a, b) => b.seconds - a.seconds);
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const file = path.basename(url);
  const place = file === '' ? '' : ` ${file}:${String(lineNumber + 1)}`;
  return `${functionName === '' ? '(anonymous)' : functionName}${place}`;
}

/** Of each profile of a directory the functions that took most, for people. */
export async function profilesIn(directory: string): Promise<string> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.cpuprofile')).sort();
  const texts = files.map(async (file) => {
    const costs = costsOf(JSON.parse(await readFile(path.join(directory, file), 'utf8')) as CpuProfile);
    const total = costs.reduce((sum, { seconds }) => sum + seconds, 0);
    const lines = costs.slice(0, shown).map(({ what, seconds }) => {
      return `${seconds.toFixed(2).padStart(8)} s ${((seconds / total) * 100).toFixed(1).padStart(5)} %  ${what}`;
    });
    return `${file}: ${total.toFixed(1)} s\n${lines.join('\n')}\n`;
  });
  return (await Promise.all(texts)).join('\n');
}
