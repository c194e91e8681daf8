import path from 'node:path';
import { z } from 'zod';

/** The part of vitest's JSON report that is counted. */
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string().default(''),
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })),
    }),
  ),
});

export type Report = z.infer<typeof reportSchema>;

export interface StageResult {
  readonly stage: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed, one line each. */
  readonly failures: readonly string[];
}

/** Reads vitest's JSON report; the files' names become relative to `root`. Throws when the text is something else. */
export function parseReport(text: string, root: string): Report {
  const { testResults } = reportSchema.parse(JSON.parse(text));
  return { testResults: testResults.map((file) => ({ ...file, name: path.relative(root, file.name) })) };
}

/**
 * The result of one run of vitest. What is no failed test counts as one failure as well, so that nothing broken adds up
 * to success: a file that could not be loaded, no test at all, a run that failed (an unhandled error, a set-up) or left no
 * report.
 */
export function summarize(stage: string, report: Report | undefined, exitCode: number | null): StageResult {
  const files = report?.testResults ?? [];
  const tests = files.flatMap((file) => file.assertionResults);
  const count = (...statuses: string[]): number => tests.filter(({ status }) => statuses.includes(status)).length;
  const failures = files.flatMap((file) => failuresOf(file));
  if (failures.length === 0) failures.push(...whyFailedOtherwise(stage, tests.length, exitCode));
  const [passed, skipped] = [count('passed'), count('pending', 'skipped', 'todo', 'disabled')];
  return { stage, passed, failed: failures.length, skipped, failures };
}

/** A stage that could not even begin. */
export function couldNotRun(stage: string, reason: string): StageResult {
  return { stage, passed: 0, failed: 1, skipped: 0, failures: [`${stage} could not run: ${reason}`] };
}

/** The lines to print at the end; the last one is always "N passed, N failed". */
export function formatSummary(results: readonly StageResult[]): string[] {
  const total = (pick: (result: StageResult) => number): number => results.reduce((sum, next) => sum + pick(next), 0);
  return [
    ...results.flatMap(({ failures }) => failures.map((failure) => `FAILED ${failure}`)),
    ...results.map(({ stage, passed, failed, skipped }) => {
      const note = skipped === 0 ? '' : `, ${skipped} skipped`;
      return `${stage}: ${passed} passed, ${failed} failed${note}`;
    }),
    `${total(({ passed }) => passed)} passed, ${total(({ failed }) => failed)} failed`,
  ];
}

function failuresOf(file: Report['testResults'][number]): string[] {
  const failed = file.assertionResults.filter(({ status }) => status === 'failed');
  if (failed.length > 0) return failed.map(({ fullName }) => `${file.name} > ${fullName}`);
  if (file.status !== 'failed') return [];
  return [`${file.name}: ${file.message.split('\n')[0] ?? ''}`];
}

function whyFailedOtherwise(stage: string, tests: number, exitCode: number | null): string[] {
  if (exitCode !== 0) return [`${stage}: vitest ended with code ${exitCode ?? 'none'} although no test failed`];
  return tests === 0 ? [`${stage}: no tests were found`] : [];
}
