import { describe, expect, it } from 'vitest';
import { couldNotRun, formatSummary, parseReport, summarize } from './test-summary.ts';
import type { Report } from './test-summary.ts';

const file = (...statuses: string[]): Report['testResults'][number] => ({
  name: 'a.test.ts',
  message: '',
  status: statuses.includes('failed') ? 'failed' : 'passed',
  assertionResults: statuses.map((status, index) => ({ status, fullName: `test ${index}` })),
});
const unloadable = { name: 'b.test.ts', message: 'cannot find c.ts\nat …', status: 'failed', assertionResults: [] };

describe('the result of a stage', () => {
  it('counts tests by their status', () => {
    const result = summarize('unit', { testResults: [file('passed', 'failed', 'pending'), file('passed')] }, 1);
    expect(result).toEqual({
      stage: 'unit',
      passed: 2,
      failed: 1,
      skipped: 1,
      failures: ['a.test.ts > test 1'],
    });
  });

  it.each([
    ['a file that cannot be loaded', { testResults: [file('passed'), unloadable] }, 1, 'b.test.ts: cannot find c.ts'],
    ['no test at all', { testResults: [] }, 0, 'unit: no tests were found'],
    ['an error outside of any test', { testResults: [file('passed')] }, 1, 'vitest ended with code 1'],
    ['a run that left no report', undefined, 1, 'vitest ended with code 1'],
    ['a run that was killed', undefined, null, 'vitest ended with code none'],
  ])('counts %s as one failure', (_what, report, exitCode, why) => {
    const result = summarize('unit', report, exitCode);
    expect(result.failed).toBe(1);
    expect(result.failures.join()).toContain(why);
  });

  it('is a failure when the stage could not begin', () => {
    expect(couldNotRun('e2e', 'no Go')).toMatchObject({ passed: 0, failed: 1, failures: ['e2e could not run: no Go'] });
  });
});

describe('the summary', () => {
  it('ends with the sums of all stages', () => {
    const unit = summarize('unit', { testResults: [file('passed', 'passed', 'skipped')] }, 0);
    expect(formatSummary([unit, couldNotRun('e2e', 'no Go')])).toEqual([
      'FAILED e2e could not run: no Go',
      'unit: 2 passed, 0 failed, 1 skipped',
      'e2e: 0 passed, 1 failed',
      '2 passed, 1 failed',
    ]);
  });
});

describe('the report of vitest', () => {
  it('is read with the fields that are counted', () => {
    const text = JSON.stringify({
      success: true,
      testResults: [{ ...file('passed'), name: '/checkout/src/a.test.ts', startTime: 1 }],
    });
    expect(parseReport(text, '/checkout').testResults).toMatchObject([{ name: 'src/a.test.ts' }]);
  });

  it('is refused when it is something else', () => {
    expect(() => parseReport('{"tests": 3}', '/checkout')).toThrow();
  });
});
