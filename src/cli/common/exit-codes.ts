/** What scripts may rely on (docs/cli.md). ssh and scp give back those of the program that they run. */
export const exitCodes = {
  done: 0,
  /** It could not be done, for a reason that is none of the others. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** There is no such resource, or VM. */
  notFound: 3,
  /** The API server, or the provider, does not let us. */
  forbidden: 4,
  /** The API server, or the provider, does not answer. */
  unreachable: 5,
  /** All went well, and the answer is no: nothing fits, a check failed, a problem was found. */
  no: 6,
  /** What was waited for has not come about in time. */
  timeout: 7,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodesHelp = `
Exit codes: 0 done; 1 failed; 2 wrong usage; 3 no such resource; 4 not allowed; 5 cluster or provider does not answer;
            6 the answer is no; 7 waited in vain; 130 interrupted`;
