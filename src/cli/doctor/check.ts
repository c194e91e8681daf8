import { aligned, wrapped, type Cell } from '../common/columns.ts';
import type { Paint, Style } from '../common/io.ts';

export type CheckState = 'ok' | 'warning' | 'failed' | 'skipped';

/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  readonly state: CheckState;
  readonly detail: string;
  /** What to do about it: a command, or a sentence. */
  readonly fix?: string | undefined;
}

const looks: Readonly<Record<CheckState, { readonly mark: string; readonly style: Style }>> = {
  ok: { mark: 'ok', style: 'good' },
  warning: { mark: 'warning', style: 'attention' },
  failed: { mark: 'FAILED', style: 'bad' },
  skipped: { mark: 'skipped', style: 'faint' },
};

const textWidth = 100;

export function renderChecks(checks: readonly Check[], paint: Paint): string[] {
  const rows = checks.flatMap(({ name, state, detail, fix }): (readonly Cell[])[] => {
    const { mark, style } = looks[state];
    const [first = '', ...rest] = wrapped(detail, textWidth);
    return [
      [{ text: mark, style }, name, first],
      ...rest.map((line) => ['', '', line]),
      ...(fix === undefined ? [] : [['', '', { text: `> ${fix}`, style: 'heading' } as const]]),
    ];
  });
  return [...aligned(rows, paint), '', verdictOn(checks)];
}

function verdictOn(checks: readonly Check[]): string {
  const count = (state: CheckState): number => checks.filter((check) => check.state === state).length;
  const [failed, warnings, skipped] = [count('failed'), count('warning'), count('skipped')];
  const extra = [
    warnings === 0 ? undefined : `${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`,
    skipped === 0 ? undefined : `${skipped} skipped`,
  ].filter((part) => part !== undefined);
  const also = extra.length === 0 ? '' : ` (${extra.join(', ')})`;
  if (failed === 0) return `${warnings === 0 ? 'All is well' : 'Nothing failed'}${also}.`;
  return `${failed} of ${checks.length} checks failed${also}.`;
}
