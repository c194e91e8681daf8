import { Option, type Command } from 'commander';

import { defaultEndpoint, gpuAccountSpecSchema, type GpuAccountSpec } from '../../api/gpu-account.ts';
import { gpuAccountType } from '../../api/group.ts';
import type { Credentials } from '../../controllers/accounts.ts';
import { readCredentials } from '../../controllers/gpu-account/credentials.ts';
import type { CustomObject } from '../../controllers/objects.ts';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { Redactor } from '../../lib/redact.ts';
import type { Provider } from '../../provider/contract.ts';
import { parseBaseUrl } from '../../provider/tensordock/http.ts';
import { createTensorDockProvider } from '../../provider/tensordock/provider.ts';
import { CliError, describeKubeError, describeProviderError } from './cli-error.ts';
import { exitCodes } from './exit-codes.ts';
import { accounts as accountKinds } from './kinds.ts';
import { find } from './find.ts';
import type { Session } from './session.ts';

export interface AccountFlags {
  readonly account?: string;
  readonly endpoint?: string;
}

const providerGroup = 'Which provider:';

export function withAccountOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--account <name>', 'GpuAccount that says where the provider is; default: default').helpGroup(
        providerGroup,
      ),
    )
    .addOption(
      // Not `.env()`: what the environment says would beat an account that is named on the command line.
      new Option('--endpoint <url>', 'ask this address, and no GpuAccount; also TENSORDOCK_ENDPOINT').helpGroup(
        providerGroup,
      ),
    );
}

export interface ProviderAccess {
  readonly provider: Provider;
  readonly endpoint: string;
  /** Runs calls; a failure comes out as a sentence with the address. */
  readonly ask: <T>(call: (provider: Provider) => Promise<T>) => Promise<T>;
}

/** What a call needs: some of them tell everybody. */
export type Need = 'nothing' | 'credentials';

/**
 * The provider of an account. Credentials from the environment go to the address that the environment, or the command line,
 * names, or to the provider's own; those of an account's Secret to the address of that account; never to another one.
 */
export async function withProvider<T>(
  session: Session,
  { flags, need }: { readonly flags: AccountFlags; readonly need: Need },
  run: (access: ProviderAccess) => Promise<T>,
): Promise<T> {
  const redactor = new Redactor();
  const { endpoint, credentials, isUsual = false } = await resolveAccess(session, { flags, need, redactor });
  assertIsEndpoint(endpoint);
  const provider = createTensorDockProvider({
    endpoint,
    credentials: () => credentials ?? { apiKey: '', apiToken: '' },
    redactor,
    clock: systemClock,
    timeoutMs: 30_000,
    // A simulator is on this machine. Nobody but the user, or who makes GpuAccounts, says where this goes.
    allowPrivate: true,
  });
  const ask = async <R>(call: (provider: Provider) => Promise<R>): Promise<R> => {
    try {
      return await call(provider);
    } catch (error) {
      const said = describeProviderError(error, endpoint);
      throw isUsual ? withOtherEndpoint(said, await endpointOfDefault(session)) : said;
    }
  };
  try {
    return await run({ provider, endpoint, ask });
  } finally {
    await provider.close();
  }
}

function assertIsEndpoint(endpoint: string): void {
  try {
    parseBaseUrl(endpoint);
  } catch (error) {
    throw new CliError(`"${endpoint}": ${messageOf(error)}`, exitCodes.usage);
  }
}

interface Resolved {
  readonly endpoint: string;
  readonly credentials: Credentials | undefined;
  /** Nobody has named the address: the credentials of the environment go to the provider's own. */
  readonly isUsual?: boolean;
}

interface Wanted {
  readonly flags: AccountFlags;
  readonly need: Need;
  readonly redactor: Redactor;
}

async function resolveAccess(session: Session, wanted: Wanted): Promise<Resolved> {
  const { flags, redactor } = wanted;
  const own = credentialsOf(process.env);
  redactor.add(own?.apiKey);
  redactor.add(own?.apiToken);
  if (flags.endpoint !== undefined) return ofEnvironment(flags.endpoint, own, wanted);
  if (flags.account !== undefined) return ofAccount(session, wanted);
  const endpoint = process.env['TENSORDOCK_ENDPOINT'] ?? '';
  if (endpoint !== '') return ofEnvironment(endpoint, own, wanted);
  if (own === undefined) return ofAccount(session, wanted);
  return { ...ofEnvironment(defaultEndpoint, own, wanted), isUsual: true };
}

/** Where the account is that somebody may have had in mind; undefined as well when nobody may look. */
async function endpointOfDefault(session: Session): Promise<string | undefined> {
  try {
    const account = await session.kube.get<CustomObject>(gpuAccountType, { name: 'default' });
    return account === undefined ? undefined : specOf(account).endpoint;
  } catch {
    // Only for a better message.
    return undefined;
  }
}

/** Credentials of the environment that were meant for the account's address went to another one; pure. */
export function withOtherEndpoint(said: unknown, endpoint: string | undefined): unknown {
  if (!(said instanceof CliError) || endpoint === undefined || endpoint === defaultEndpoint) return said;
  const hint = `These are the credentials of the environment, for the provider's own address. GpuAccount default is at another one: name it by --endpoint ${endpoint}, or use its Secret by --account default.`;
  return new CliError(said.message, said.exitCode, hint);
}

function ofEnvironment(endpoint: string, credentials: Credentials | undefined, { need }: Wanted): Resolved {
  if (credentials === undefined && need === 'credentials') throw noCredentials();
  return { endpoint, credentials };
}

async function ofAccount(session: Session, { flags, need, redactor }: Wanted): Promise<Resolved> {
  const account = await accountOf(session, flags.account ?? 'default');
  if (need === 'nothing') return { endpoint: specOf(account).endpoint, credentials: undefined };
  const read = await readCredentials({ kube: session.kube, redactor }, account);
  if (read.kind === 'found') return { endpoint: read.spec.endpoint, credentials: read.credentials };
  const message = read.message.replace(/^The operator may not read/, 'You may not read');
  const code = read.kind === 'forbidden' ? exitCodes.forbidden : exitCodes.failed;
  throw new CliError(message, code, orFromEnvironment);
}

const orFromEnvironment =
  'Or set TENSORDOCK_API_KEY and TENSORDOCK_API_TOKEN to the key and token of your organization.';

function noCredentials(): CliError {
  return new CliError(
    'the provider has to be asked with credentials, and there are none for this address',
    exitCodes.forbidden,
    'Set TENSORDOCK_API_KEY and TENSORDOCK_API_TOKEN, or leave out --endpoint to use the Secret of a GpuAccount.',
  );
}

/** Both or none: half a pair is a mistake that is better said than guessed about. */
export function credentialsOf(env: NodeJS.ProcessEnv): Credentials | undefined {
  const [apiKey, apiToken] = [env['TENSORDOCK_API_KEY'] ?? '', env['TENSORDOCK_API_TOKEN'] ?? ''];
  if (apiKey === '' && apiToken === '') return undefined;
  if (apiKey !== '' && apiToken !== '') return { apiKey, apiToken };
  const missing = apiKey === '' ? 'TENSORDOCK_API_KEY' : 'TENSORDOCK_API_TOKEN';
  throw new CliError(`${missing} is not set, and the other one of the pair is: set both, or none`, exitCodes.usage);
}

async function accountOf(session: Session, name: string): Promise<CustomObject> {
  try {
    return (await find(session, name, accountKinds)).object;
  } catch (error) {
    const { server, context } = session.connection;
    throw withWayAround(describeKubeError(error, { server, context }));
  }
}

/** Who may not see accounts, or has none, can ask the provider all the same; pure. */
export function withWayAround(said: unknown): unknown {
  if (!(said instanceof CliError)) return said;
  const ways = new Map<number, string>([
    [exitCodes.notFound, 'Name one by --account, or give --endpoint and ask the provider without a GpuAccount.'],
    [exitCodes.forbidden, `Or ask the provider without a GpuAccount: --endpoint ${defaultEndpoint}`],
  ]);
  const way = ways.get(said.exitCode);
  if (way === undefined) return said;
  const hint = said.hint === undefined ? way : `${said.hint} ${way}`;
  return new CliError(said.message, said.exitCode, hint);
}

function specOf(account: CustomObject): GpuAccountSpec {
  const parsed = gpuAccountSpecSchema.safeParse(account.spec);
  if (parsed.success) return parsed.data;
  throw new CliError(`the spec of ${gpuAccountType.kind} "${account.metadata.name}" is not valid`);
}
