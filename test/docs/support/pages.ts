/** The project's documents, taken apart: fenced blocks with what their first line says, code in the text, headings, links. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/package-root.js';

export interface Block {
  /** What stands behind the fence: `sh run exit=5`. */
  readonly info: string;
  readonly text: string;
  readonly line: number;
}

export interface Page {
  /** From the root: docs/README.md */
  readonly path: string;
  readonly blocks: readonly Block[];
  /** The page without its fenced blocks, line by line; a block leaves empty lines. */
  readonly prose: readonly string[];
}

const FENCE = /^```(.*)$/;

/** Throws when a block has no end. */
export const parsePage = (path: string, text: string): Page => {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { info: string; lines: string[]; line: number } | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    const info = FENCE.exec(line)?.[1];
    prose.push(open === null && info === undefined ? line : '');
    if (info === undefined) open?.lines.push(line);
    else if (open === null) open = { info: info.trim(), lines: [], line: index + 1 };
    else {
      blocks.push({ info: open.info, text: open.lines.join('\n'), line: open.line });
      open = null;
    }
  }
  if (open !== null) throw new Error(`${path}:${open.line}: a block without an end`);
  return { path, blocks, prose };
};

export const readPage = (path: string): Page => parsePage(path, readFileSync(join(packageRoot, path), 'utf8'));

const markdownIn = (folder: string): string[] =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => join(folder, name))
    .sort();

/** Every document of the project. */
export const allPages = (): readonly Page[] =>
  ['README.md', 'CHANGELOG.md', 'SECURITY.md', ...markdownIn('docs')].map(readPage);

/** Inline code of a page's text. */
export const inlineCode = (page: Page): readonly string[] =>
  page.prose.flatMap(line => [...line.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code));

/** Targets of links, in the text only: what stands in code is no link. */
export const links = (page: Page): readonly { readonly target: string; readonly line: number }[] =>
  page.prose.flatMap((line, index) =>
    [...line.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => ({
      target,
      line: index + 1,
    })),
  );

/** As GitHub makes them: lower case, punctuation gone, blanks to dashes. */
export const anchors = (page: Page): ReadonlySet<string> =>
  new Set(
    page.prose.flatMap(line => {
      const heading = /^#{1,6} +(.*)$/.exec(line)?.[1];
      return heading === undefined
        ? []
        : [
            heading
              .toLowerCase()
              .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
              .replaceAll(' ', '-'),
          ];
    }),
  );

/** Source files under a folder of the project, with their text. */
export const sources = (folder: string, ends: string): readonly { readonly path: string; readonly text: string }[] =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith(ends))
    .map(name => ({ path: join(folder, name), text: readFileSync(join(packageRoot, folder, name), 'utf8') }));
