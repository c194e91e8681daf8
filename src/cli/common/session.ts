import { Option, type Command } from 'commander';

import packageJson from '../../../package.json' with { type: 'json' };
import { KubeClient } from '../../kube/client.ts';
import { connectionFrom, type Connection } from '../../kube/kube-config.ts';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { assertTlsIsVerified } from '../tls-environment.ts';
import { CliError, describeKubeError } from './cli-error.ts';
import { exitCodes, exitCodesHelp } from './exit-codes.ts';
import { processIo, type Io } from './io.ts';

/** Which cluster, as whom: the user's own kubeconfig, as kubectl reads it. */
export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
}

export interface Session {
  readonly io: Io;
  readonly kube: KubeClient;
  readonly connection: Connection;
  /** The one that -n names, else that of the context. */
  readonly namespace: string;
  readonly flags: ClusterFlags;
}

export const userAgent = `gpuvm/${packageJson.version}`;

/** Adds the options that say which cluster, and the exit codes to the help. */
export function withClusterOptions(command: Command): Command {
  return command
    .addOption(new Option('-n, --namespace <name>', 'namespace; default: that of the context').helpGroup(clusterGroup))
    .addOption(new Option('--context <name>', 'context of the kubeconfig').helpGroup(clusterGroup))
    .addOption(
      new Option('--kubeconfig <file>', 'kubeconfig; default: KUBECONFIG, or ~/.kube/config').helpGroup(clusterGroup),
    )
    .addHelpText('after', exitCodesHelp);
}

const clusterGroup = 'Which cluster:';

/** Longest time that anybody waits for an answer of the API server. */
const answerWithinMs = 15_000;

/** Runs a command against the cluster. What the API server says no to comes out as a sentence with its address. */
export async function withSession<T>(flags: ClusterFlags, run: (session: Session) => Promise<T>): Promise<T> {
  const session = new OpenedSession(flags, processIo());
  try {
    return await run(session);
  } catch (error) {
    throw session.describe(error);
  } finally {
    await session.close();
  }
}

/** The kubeconfig is read when the cluster is first needed: who asks the provider alone may have none. */
class OpenedSession implements Session {
  readonly io: Io;
  readonly flags: ClusterFlags;
  #opened: { readonly kube: KubeClient; readonly connection: Connection } | undefined;

  constructor(flags: ClusterFlags, io: Io) {
    this.flags = flags;
    this.io = io;
  }

  get kube(): KubeClient {
    return this.#open().kube;
  }

  get connection(): Connection {
    return this.#open().connection;
  }

  get namespace(): string {
    return this.flags.namespace ?? this.connection.namespace ?? 'default';
  }

  describe(error: unknown): unknown {
    if (this.#opened === undefined) return error;
    const { server, context } = this.#opened.connection;
    return describeKubeError(error, { server, context });
  }

  async close(): Promise<void> {
    await this.#opened?.kube.close();
  }

  #open(): { readonly kube: KubeClient; readonly connection: Connection } {
    this.#opened ??= open(this.flags);
    return this.#opened;
  }
}

function open(flags: ClusterFlags): { readonly kube: KubeClient; readonly connection: Connection } {
  assertTlsIsVerified(process.env);
  const connection = connect(flags);
  const kube = new KubeClient({
    ...{ connection, userAgent },
    clock: systemClock,
    random: Math.random,
    fieldManager: 'gpuvm',
    timeoutMs: answerWithinMs,
  });
  return { kube, connection };
}

/** What the kubeconfig says; what is wrong with it is a mistake of the command line, not a failure of the cluster. */
export function connect(flags: Pick<ClusterFlags, 'kubeconfig' | 'context'>): Connection {
  try {
    return connectionFrom({ kubeconfigPath: flags.kubeconfig, context: flags.context });
  } catch (error) {
    throw new CliError(messageOf(error), exitCodes.usage);
  }
}
