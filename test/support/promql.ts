/** What an expression of PromQL uses, as far as our own rules and dashboards write it: no parser of all that may be written. */
export interface PromqlUse {
  readonly metrics: readonly string[];
  /** What a metric is selected by. */
  readonly matched: readonly { readonly metric: string; readonly label: string }[];
  /** What is grouped or joined by. */
  readonly grouped: readonly string[];
}

const words = new Set(['or', 'and', 'unless', 'offset', 'bool', 'inf', 'nan']);

const clause = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const selector = /(?<![\w.:])([a-zA-Z_:][\w:]*)\s*(\(|\{[^}]*\})?/g;
const matcher = /([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)/g;

export function usesOf(expression: string): PromqlUse {
  const plain = expression.replaceAll(/"[^"]*"/g, '""').replaceAll(/\[[^\]]*\]/g, ' ');
  const grouped = [...plain.matchAll(clause)].flatMap(([, list = '']) => namesIn(list));
  const selected = [...plain.replaceAll(clause, ' ').matchAll(selector)]
    .map(([, name = '', rest = '']) => ({ name, rest }))
    // What opens a bracket is a function, or an aggregation.
    .filter(({ name, rest }) => rest !== '(' && !words.has(name.toLowerCase()));
  return {
    metrics: [...new Set(selected.map(({ name }) => name))],
    matched: selected.flatMap(({ name, rest }) =>
      [...rest.matchAll(matcher)].map(([, label = '']) => ({ metric: name, label })),
    ),
    grouped: [...new Set(grouped)],
  };
}

function namesIn(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
