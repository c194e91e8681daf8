import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '..', '..');
const pages = globSync(['*.md', 'docs/**/*.md', 'charts/*/README.md', 'deploy/**/*.md'], { cwd: root });

/** What GitHub calls the heading in a URL. */
function anchorOf(heading: string): string {
  const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
  return words.replaceAll(/[^\p{L}\p{N}_\- ]/gu, '').replaceAll(' ', '-');
}

function anchorsIn(text: string): ReadonlySet<string> {
  const anchors = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading.trim()));
  return new Set([...anchors, ...[...text.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, id = '']) => id)]);
}

/** Links of a page that lead to another file, or to a heading, of the repository. */
function linksIn(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter((link) => !/^\w+:/.test(link));
}

it.each(pages)('every link in %s leads somewhere', (page) => {
  const text = readFileSync(path.join(root, page), 'utf8');
  const dead = linksIn(text).filter((link) => {
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? path.join(root, page) : path.join(root, path.dirname(page), file);
    if (!existsSync(target)) return true;
    if (anchor === undefined || !target.endsWith('.md') || !statSync(target).isFile()) return false;
    return !anchorsIn(readFileSync(target, 'utf8')).has(anchor);
  });
  expect(dead).toEqual([]);
});
