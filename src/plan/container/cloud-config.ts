import { Document, Scalar } from 'yaml';

/** Where all of it is on the VM. */
export const containerDirectory = '/etc/gpuvm-container';

/** What it says is in the journal: `journalctl -u gpuvm-container`. */
const unitName = 'gpuvm-container.service';

/**
 * The same for every container: nothing of a spec is in it, and no shell ever reads what is. Nor is there a pair of braces in it,
 * which a template engine on the way might take for its own. xargs takes the words from the
 * file "run", where each ends with a NUL, and hands them to docker as they are. Once that went well it is Docker that starts
 * the container after a boot, and a container that somebody has removed since then stays removed.
 */
const startScript = `#!/bin/sh
# Tries once to start the container of the GpuPool; the command is in the file "run", its words ended by NULs.
cd "$(dirname "$0")" || exit 1
[ -e started ] && exit 0
# One that runs was started by somebody else, or by a try that was cut off before it could say so.
if ! docker container inspect gpuvm 2>/dev/null | grep -q '^ *"Running": true,$'; then
  # A try that has failed half-way leaves a container behind that has the name.
  docker rm --force gpuvm >/dev/null 2>&1
  xargs -0 -a run docker --config "$PWD" || exit 1
fi
touch started
# It runs: a disk that is full is no reason to start it anew.
exit 0
`;

/**
 * The registry, or Docker itself, may not answer yet when the VM has just started, nor for hours afterwards: it is tried again
 * for ever, also after a boot. What gave up would leave a VM that is billed and can never become Ready, and a registry that is
 * down for a while would so take a whole pool. Not by cloud-init itself, which waits for the end of what it runs.
 */
const unit = `[Unit]
Description=Start the container of the GpuPool
Wants=network-online.target docker.service
After=network-online.target docker.service
StartLimitIntervalSec=0

[Service]
ExecStart=/bin/sh ${containerDirectory}/start
Restart=on-failure
RestartSec=20

[Install]
WantedBy=multi-user.target
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
      plainFile(`${containerDirectory}/start`, { permissions: '0700', text: startScript }),
      plainFile(`/etc/systemd/system/${unitName}`, { permissions: '0644', text: unit }),
      secretFile('run', words.map((word) => `${word}\0`).join('')),
      ...(dockerConfig === undefined ? [] : [secretFile('config.json', dockerConfig)]),
    ],
    runcmd: [
      ['systemctl', 'enable', unitName],
      // Whoever waits for cloud-init does not wait for a registry.
      ['systemctl', 'start', '--no-block', unitName],
    ],
  });
  return `#cloud-config\n${document.toString({ lineWidth: 0 })}`;
}

function plainFile(path: string, { permissions, text }: { permissions: string; text: string }): WrittenFile {
  return { ...fileOf(path, permissions), content: scalar(text, Scalar.BLOCK_LITERAL) };
}

function secretFile(name: string, text: string): WrittenFile {
  // In quotes: what is base64 may look like a number, "0b11", to the YAML 1.1 of cloud-init.
  const content = scalar(Buffer.from(text, 'utf8').toString('base64'), Scalar.QUOTE_SINGLE);
  return { ...fileOf(`${containerDirectory}/${name}`, '0600'), encoding: scalar('b64', Scalar.PLAIN), content };
}

function fileOf(path: string, permissions: string): Pick<WrittenFile, 'path' | 'owner' | 'permissions'> {
  return { path, owner: 'root:root', permissions: scalar(permissions, Scalar.QUOTE_SINGLE) };
}

function scalar(text: string, type: Scalar.Type): Scalar {
  const made = new Scalar(text);
  made.type = type;
  return made;
}
