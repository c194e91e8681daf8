import { isKubeError, type KubeError } from '../../kube/contract.ts';
import { isProviderError } from '../../provider/error.ts';
import { messageOf } from '../../lib/errors.ts';
import { printable } from '../../lib/printable.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';

/** What ends a command: a sentence for the person, and a number for the script. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  /** What to do about it, on a line of its own. */
  readonly hint: string | undefined;

  constructor(message: string, exitCode: ExitCode = exitCodes.failed, hint?: string) {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

export interface Place {
  readonly server: string;
  readonly context: string | undefined;
}

/** The same failure, said of this cluster. */
export function describeKubeError(error: unknown, { server, context }: Place): unknown {
  if (!isKubeError(error)) return error;
  const where = context === undefined ? server : `${server} (context "${context}")`;
  switch (error.kind) {
    case 'unavailable': {
      const why = error.message.replace(/^cannot reach the API server: /, '');
      return new CliError(
        `cannot reach the API server ${where}: ${printable(why)}`,
        exitCodes.unreachable,
        'Is the cluster up, and is this the context you mean? kubectl config get-contexts lists all.',
      );
    }
    case 'forbidden':
      return refusal(error, where);
    case 'notFound':
      return new CliError(`${where}: ${printable(error.message)}`, exitCodes.notFound, missingKindHint(error));
    default:
      return new CliError(`the API server ${where} says: ${printable(error.message)}`);
  }
}

function missingKindHint({ message }: KubeError): string | undefined {
  return message.includes('could not find the requested resource')
    ? 'The cluster does not know this kind: the CRDs of this release are not installed. gpuvm doctor looks closer.'
    : undefined;
}

/** What the API server says of who may not do what, in its own words. */
const refusalPattern =
  /User "([^"]*)" cannot (\S+) resource "([^"]*)" in API group "([^"]*)"(?: (?:in the namespace "([^"]*)"|at the cluster scope))?/;

export function refusal(error: Pick<KubeError, 'message' | 'httpStatus'>, where: string): CliError {
  if (error.httpStatus === 401) {
    return new CliError(
      `the API server ${where} does not know who you are: ${printable(error.message)}`,
      exitCodes.forbidden,
      'The credentials in the kubeconfig are wrong, or have expired: log in again.',
    );
  }
  const match = refusalPattern.exec(error.message);
  if (match === null) {
    return new CliError(`the API server ${where} refuses: ${printable(error.message)}`, exitCodes.forbidden);
  }
  const [, user = '', verb = '', resource = '', group = '', namespace] = match;
  const scope = namespace === undefined ? 'in the whole cluster' : `in namespace "${namespace}"`;
  const inGroup = group === '' ? '' : ` of the API group ${group}`;
  return new CliError(
    printable(`"${user}" may not ${verb} ${resource} ${scope}, says the API server ${where}`),
    exitCodes.forbidden,
    printable(
      `Missing: the verb ${verb} on the resource ${resource}${inGroup}, ${scope}. Ask whoever gives out Roles.`,
    ),
  );
}

/** The same failure, said of the provider at this address. */
export function describeProviderError(error: unknown, endpoint: string): unknown {
  if (!isProviderError(error)) return error;
  const message = printable(error.message);
  switch (error.kind) {
    case 'unauthorized':
      return new CliError(
        `the provider at ${endpoint} refuses the credentials: ${message}`,
        exitCodes.forbidden,
        'Correct TENSORDOCK_API_KEY and TENSORDOCK_API_TOKEN, or the credentials Secret of the GpuAccount.',
      );
    case 'unavailable':
    case 'malformed':
      return new CliError(
        `cannot reach the provider at ${endpoint}: ${message}`,
        exitCodes.unreachable,
        'Is that the right endpoint, and can this machine reach it?',
      );
    case 'notFound':
      return new CliError(`the provider at ${endpoint} says: ${message}`, exitCodes.notFound);
    default:
      return new CliError(`the provider at ${endpoint} says: ${message}`);
  }
}

/** As it goes to standard error, and the code to end with. */
export function lastWordsOf(error: unknown, program: string): { readonly text: string; readonly exitCode: number } {
  const { exitCode, hint } = error instanceof CliError ? error : { exitCode: exitCodes.failed, hint: undefined };
  const lines = [`${program}: ${messageOf(error)}`, ...(hint === undefined ? [] : [hint])];
  return { text: `${lines.join('\n')}\n`, exitCode };
}
