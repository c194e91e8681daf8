import type { RequestOptions } from 'node:https';

// The package has no lighter entry: index.js evaluates the same modules and more (docs/decisions/0001-runtime.md).
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';

import { closest } from '../lib/closest.ts';
import { withoutTrailingSlashes } from '../lib/slashes.ts';

/** Where the API server is, and who we are to it at this moment. */
export interface Connection {
  /** Base URL without a trailing slash. */
  readonly server: string;
  /** Name of the context of the kubeconfig; undefined in a pod. */
  readonly context?: string | undefined;
  /** Namespace of the context, for whoever names none. */
  readonly namespace?: string | undefined;
  /** Headers and TLS material, read afresh where they come from a file or a plug-in: tokens and certificates rotate. */
  identify(): Promise<Identity>;
}

export interface Identity {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
}

export interface TlsMaterial {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly pfx?: string | Buffer;
  readonly passphrase?: string;
  readonly servername?: string;
}

export interface ConnectionOptions {
  /** Absent: KUBECONFIG, ~/.kube/config, or the service account of the pod, in this order. */
  readonly kubeconfigPath?: string | undefined;
  /** Absent: the current context of the kubeconfig. */
  readonly context?: string | undefined;
}

/**
 * Reads the kubeconfig or the pod's service account, in every form of authentication that client-node's KubeConfig knows
 * (certificate, token, token file, basic, exec plug-in, OIDC). Throws an Error that says what to do; it never quotes
 * the file, since that holds credentials.
 */
export function connectionFrom(options: ConnectionOptions = {}): Connection {
  const config = load(options);
  if (options.context !== undefined) config.setCurrentContext(options.context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    const context: unknown = config.getCurrentContext();
    const hint = whatWasMeant(context, contextsOf(config));
    throw new Error(`the kubeconfig has no cluster for context ${JSON.stringify(context)}${hint}`);
  }
  const server = withoutTrailingSlashes(cluster.server);
  if (cluster.skipTLSVerify) {
    throw new Error(
      'the kubeconfig asks for insecure-skip-tls-verify: whoever answers would be given our credentials. Give certificate-authority-data instead',
    );
  }
  if (cluster.proxyUrl !== undefined) throw new Error('proxy-url in a kubeconfig is not supported yet');
  const place = { server, context: config.getCurrentContext(), namespace: namespaceOf(config) };
  if (server.startsWith('http:')) return { ...place, ...plainConnection(server) };
  return { ...place, identify: () => identityOf(config) };
}

const mostContexts = 10;

function whatWasMeant(context: unknown, known: readonly string[]): string {
  const meant = typeof context === 'string' ? closest(context, known) : undefined;
  if (meant !== undefined) return `. Did you mean ${JSON.stringify(meant)}?`;
  if (known.length === 0) return '';
  const shown = known.slice(0, mostContexts).map((name) => JSON.stringify(name));
  return `. There are: ${shown.join(', ')}${known.length > mostContexts ? ', …' : ''}`;
}

function contextsOf(config: KubeConfig): string[] {
  // A file that is no kubeconfig leaves what it should have undefined, whatever the types say.
  const contexts = config.getContexts() as readonly { readonly name: string }[] | undefined;
  return (contexts ?? []).map(({ name }) => name);
}

function namespaceOf(config: KubeConfig): string | undefined {
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace;
  return namespace === '' ? undefined : namespace;
}

/** `kubectl proxy` and tests: plain HTTP to this machine only, and no credentials are ever sent over it. */
function plainConnection(server: string): Pick<Connection, 'identify'> {
  const { hostname } = new URL(server);
  if (!['127.0.0.1', '[::1]', 'localhost'].includes(hostname)) {
    throw new Error('the API server is to be reached by plain HTTP: only allowed on this machine (kubectl proxy)');
  }
  return { identify: () => Promise.resolve({ headers: {}, tls: {} }) };
}

/** Knows which file it was at when it failed: where none is named, the environment says which. */
class NamingKubeConfig extends KubeConfig {
  reading: string | undefined;

  override loadFromFile(...args: Parameters<KubeConfig['loadFromFile']>): void {
    [this.reading] = args;
    super.loadFromFile(...args);
    this.reading = undefined;
  }
}

function load(options: ConnectionOptions): KubeConfig {
  const config = new NamingKubeConfig();
  try {
    if (options.kubeconfigPath === undefined) config.loadFromDefault();
    else config.loadFromFile(options.kubeconfigPath);
  } catch (error) {
    const path = config.reading ?? pathIn(error) ?? 'that KUBECONFIG names';
    throw new Error(`cannot read the kubeconfig ${path}: ${briefReason(error)}`, { cause: undefined });
  }
  // What client-node falls back to when there is nothing; reported as such rather than as "connection refused".
  if (options.kubeconfigPath === undefined && config.getCurrentCluster()?.server === 'http://localhost:8080') {
    throw new Error(
      'no kubeconfig: name one by --kubeconfig or KUBECONFIG, put it at ~/.kube/config, or run in a pod with a service account',
    );
  }
  return config;
}

/** Of the second and later ones of KUBECONFIG the file system alone says which it was. */
function pathIn(error: unknown): string | undefined {
  return error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : undefined;
}

/** A YAML parser's message quotes the lines around the error, and those may be a token: only its reason is taken. */
function briefReason(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown error';
  if ('code' in error && typeof error.code === 'string') return error.code;
  if ('reason' in error && typeof error.reason === 'string') return error.reason;
  return 'it is not a valid kubeconfig';
}

async function identityOf(config: KubeConfig): Promise<Identity> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (typeof value === 'string') headers[name.toLowerCase()] = value.trim();
  }
  if (typeof options.auth === 'string') {
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  }
  const tls: Record<string, unknown> = {};
  for (const name of ['ca', 'cert', 'key', 'pfx', 'passphrase', 'servername'] as const) {
    if (options[name] !== undefined) tls[name] = options[name];
  }
  return { headers, tls };
}
