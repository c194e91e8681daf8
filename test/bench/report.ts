import os from 'node:os';

import { median } from './statistics.ts';

/** What one run of a scenario gave, by what is measured; the unit is part of the name. */
export type Figures = Readonly<Record<string, number>>;

export interface Run {
  readonly scenario: string;
  readonly contender: string;
  readonly figures: Figures;
}

/** One measured thing over all runs. */
export interface Row {
  readonly scenario: string;
  readonly contender: string;
  readonly figure: string;
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly runs: number;
}

export function summarize(runs: readonly Run[]): Row[] {
  const groups = Map.groupBy(runs, ({ scenario, contender }) => `${scenario}\n${contender}`);
  return [...groups.values()].flatMap((group) => {
    const [{ scenario, contender } = { scenario: '', contender: '' }] = group;
    const names = [...new Set(group.flatMap(({ figures }) => Object.keys(figures)))];
    return names.map((figure) => {
      const values = group.flatMap(({ figures }) => figures[figure] ?? []);
      const [least, most] = [Math.min(...values), Math.max(...values)];
      return { scenario, contender, figure, median: median(values), least, most, runs: values.length };
    });
  });
}

/** As a table of Markdown: a line for each figure, a column for each contender of that scenario. */
export function tableOf(rows: readonly Row[]): string {
  const contenders = [...new Set(rows.map(({ contender }) => contender))];
  const lines = [...new Set(rows.map(({ scenario, figure }) => `${scenario}\n${figure}`))].map((key) => {
    const cells = contenders.map((contender) => {
      const row = rows.find((one) => one.contender === contender && `${one.scenario}\n${one.figure}` === key);
      return row === undefined ? '' : shown(row);
    });
    return `| ${[...key.split('\n'), ...cells].join(' | ')} |`;
  });
  const head = ['scenario', 'figure', ...contenders];
  return [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...lines].join('\n');
}

function shown({ median: middle, least, most }: Row): string {
  return least === most ? number(middle) : `${number(middle)} (${number(least)}–${number(most)})`;
}

function number(value: number): string {
  return String(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
}

/** What the figures depend on. */
export function machine(): string {
  const [cpu] = os.cpus();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  return `${os.availableParallelism()} cores (${cpu?.model ?? 'unknown'}), ${memory} GB, ${os.type()} ${os.release()}, Node.js ${process.version}`;
}
