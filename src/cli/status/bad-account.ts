import type { Problem, Surroundings } from './problems.ts';

/** An account that what is shown depends on, and that something is the matter with. */
export interface BadAccount {
  readonly kind: 'GpuAccount';
  readonly name: string;
  readonly problems: readonly Problem[];
}

/** "gpuaccount/default: InvalidCredentials: …", beside the problems of something else. */
export function accountProblems(accounts: readonly BadAccount[] = []): Problem[] {
  return accounts.flatMap(({ name, problems }) =>
    problems.map((problem) => ({ ...problem, what: `gpuaccount/${name}: ${problem.what}` })),
  );
}

/** What to do about the first of them. */
export function accountStep([first]: readonly BadAccount[], program: string): string | undefined {
  return first === undefined ? undefined : `${program} account ${first.name}`;
}

interface Shown {
  readonly problems: readonly Problem[];
  readonly nextStep: string;
}

/** Once nothing is wrong with what is shown itself, the account is what there is to see to. */
export function withAccounts<T extends Shown>(
  report: T,
  { program }: Surroundings,
  { accounts, isBad = false }: { readonly accounts: readonly BadAccount[]; readonly isBad?: boolean },
): T & { readonly accounts: readonly BadAccount[] } {
  const isFine = !isBad && report.problems.length === 0;
  const step = isFine ? accountStep(accounts, program) : undefined;
  return { ...report, accounts, nextStep: step ?? report.nextStep };
}
