import { Document, Scalar } from 'yaml';

/** Where all of it is on the VM. */
export const containerDirectory = '/etc/gpuvm-container';

/**
 * The same for every container: nothing of a spec is in it, and no shell ever reads what is. xargs takes the words from the
 * file "run", where each ends with a NUL, and hands them to docker as they are.
 *
 * The registry, or Docker itself, may not answer yet when the VM has just started. The tries are bounded, as cloud-init waits
 * for their end; a member whose container never comes up is the pool's to replace.
 */
const startScript = `#!/bin/sh
# Starts the container of the GpuPool; the command is in the file "run", its words ended by NULs.
cd "$(dirname "$0")" || exit 1
tries=30
until xargs -0 -a run docker --config "$PWD"; do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || exit 1
  # A try that has failed half-way leaves a container behind that has the name.
  docker rm --force gpuvm >/dev/null 2>&1
  sleep 10
done
`;

interface WrittenFile {
  readonly path: string;
  readonly owner: string;
  readonly permissions: Scalar;
  readonly encoding?: Scalar;
  readonly content: Scalar;
}

/**
 * A cloud-config that starts one container by `docker` with these words. Whatever is in the words and in the credentials
 * is base64 here: nothing of it can end a line, or be taken for YAML, and none of it is a backslash followed by "n",
 * which the provider would take for a line break (API reference 5.1, A20).
 */
export function cloudConfig(words: readonly string[], dockerConfig: string | undefined): string {
  const document = new Document({
    write_files: [
      script('start', startScript),
      secretFile('run', words.map((word) => `${word}\0`).join('')),
      ...(dockerConfig === undefined ? [] : [secretFile('config.json', dockerConfig)]),
    ],
    runcmd: [['sh', `${containerDirectory}/start`]],
  });
  return `#cloud-config\n${document.toString({ lineWidth: 0 })}`;
}

function script(name: string, text: string): WrittenFile {
  return { ...fileOf(name, '0700'), content: scalar(text, Scalar.BLOCK_LITERAL) };
}

function secretFile(name: string, text: string): WrittenFile {
  // In quotes: what is base64 may look like a number, "0b11", to the YAML 1.1 of cloud-init.
  const content = scalar(Buffer.from(text, 'utf8').toString('base64'), Scalar.QUOTE_SINGLE);
  return { ...fileOf(name, '0600'), encoding: scalar('b64', Scalar.PLAIN), content };
}

function fileOf(name: string, permissions: string): Pick<WrittenFile, 'path' | 'owner' | 'permissions'> {
  return {
    path: `${containerDirectory}/${name}`,
    owner: 'root:root',
    permissions: scalar(permissions, Scalar.QUOTE_SINGLE),
  };
}

function scalar(text: string, type: Scalar.Type): Scalar {
  const made = new Scalar(text);
  made.type = type;
  return made;
}
