import path from 'node:path';
import { ESLint } from 'eslint';
import { expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '..', '..');

/** What lint says of this code, were it in src/: "line rule". */
async function complaintsAbout(lines: readonly string[]): Promise<Set<string>> {
  const eslint = new ESLint({ cwd: root });
  const filePath = path.join(root, 'src', 'lib', 'errors.ts');
  const [result] = await eslint.lintText(`${lines.join('\n')}\n`, { filePath });
  return new Set(result?.messages.map(({ line, ruleId }) => `${String(line)} ${ruleId ?? ''}`));
}

it('a pattern that can take for ever is refused by lint', async () => {
  const complaints = await complaintsAbout([
    'export const a = /^(a+)+$/;',
    'export const b = /^(a|a)*$/;',
    'export const c = /^[a-z]+([a-z]+)*=/;',
    'export const d = /a+$/;',
    'export const e = /^[a-z]+-[0-9]{1,9}$/;',
  ]);
  expect([...complaints].filter((complaint) => complaint.includes('regexp/')).sort()).toEqual([
    '1 regexp/no-super-linear-backtracking',
    '2 regexp/no-dupe-disjunctions',
    '3 regexp/no-super-linear-backtracking',
    '4 regexp/no-super-linear-move',
  ]);
}, 60_000);
