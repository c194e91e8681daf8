import { Command } from 'commander';

import type { VmStatus } from '../api/vm.ts';
import { findVm, notRunning } from './common/access.ts';
import { columns } from './common/columns.ts';
import { examples } from './common/examples.ts';
import { outputOption, print, type OutputFlags } from './common/output.ts';
import { withClusterOptions, withSession, type ClusterFlags } from './common/session.ts';
import type { VmView } from './common/vm-view.ts';

interface Flags extends ClusterFlags, OutputFlags {}

/** Where one port can be reached. */
export interface PortUrl {
  readonly port: string;
  readonly internal: number;
  readonly url: string;
  /** By the Service, from pods of the cluster; undefined where there is none. */
  readonly inCluster: string | undefined;
}

/** `gpuvm urls NAME`: the ports of a VM as URLs. */
export function urlsCommand(): Command {
  const command = new Command('urls')
    .summary('where the ports of a VM can be reached')
    .description(
      'Lists the ports of a VM as URLs, from outside and, where it has a Service, from pods of the cluster. The scheme is guessed from the name and the number of the port.',
    )
    .argument('<name>', 'NAME or KIND/NAME')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(`
  gpuvm urls notebook
  open "$(gpuvm urls notebook -o json | jq -r '.[] | select(.port == "notebook").url')"`),
    );
  return withClusterOptions(command).action((name: string, flags: Flags) =>
    withSession(flags, async (session) => {
      const view = await findVm(session, name);
      if (view.status.address === undefined) throw notRunning(view, session.io.program);
      const urls = urlsOf(view);
      const { io } = session;
      print(io, flags.output, urls, () => {
        const hasService = urls.some(({ inCluster }) => inCluster !== undefined);
        const titles = ['PORT', 'INSIDE', 'URL', ...(hasService ? ['IN THE CLUSTER'] : [])];
        const body = urls.map(({ port, internal, url, inCluster = '' }) => [port, `${internal}`, url, inCluster]);
        return columns(titles, body, io.paint);
      });
    }),
  );
}

/** Pure; nothing for a VM that nobody knows the address of. */
export function urlsOf({ meta, status }: Pick<VmView, 'meta' | 'status'>): readonly PortUrl[] {
  const { address, ports = [], serviceName } = status;
  if (address === undefined) return [];
  return ports.map((port) => ({
    port: port.name,
    internal: port.internal,
    url: urlOf(port, { host: address, number: port.external, user: status.user }),
    inCluster:
      serviceName === undefined
        ? undefined
        : urlOf(port, {
            host: `${serviceName}.${meta.namespace ?? ''}.svc`,
            number: port.internal,
            user: status.user,
          }),
  }));
}

type Port = NonNullable<VmStatus['ports']>[number];

interface End {
  readonly host: string;
  readonly number: number;
  readonly user: string | undefined;
}

function urlOf(port: Port, { host, number, user }: End): string {
  const scheme = schemeOf(port);
  const bracketed = host.includes(':') ? `[${host}]` : host;
  const login = scheme === 'ssh' && user !== undefined ? `${user}@` : '';
  const isUsual = (scheme === 'http' && number === 80) || (scheme === 'https' && number === 443);
  return `${scheme}://${login}${bracketed}${isUsual ? '' : `:${number}`}`;
}

/** Ports on which people of this trade serve pages: Jupyter, Gradio, Ollama, vLLM, ComfyUI, TensorBoard and the like. */
const webPorts = new Set([80, 3000, 5000, 6006, 7860, 8000, 8080, 8081, 8188, 8265, 8501, 8787, 8888, 8889, 11_434]);
const webNames = /^(https?|web|ui|api|notebook|jupyter|lab|dashboard|tensorboard|gradio|ollama|metrics)([-0-9]|$)/;
const tlsPorts = new Set([443, 6443, 8443]);

function schemeOf({ name, internal }: Port): string {
  if (internal === 22 || name === 'ssh') return 'ssh';
  if (tlsPorts.has(internal) || name.startsWith('https')) return 'https';
  return webPorts.has(internal) || webNames.test(name) ? 'http' : 'tcp';
}
