/** Every link and every file that the documents name is there; what comments say about documents, too. */
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../src/package-root.js';
import { describe } from '../support/describe.js';
import { allPages, anchors, inlineCode, links, type Page, parsePage, sources } from './support/pages.js';

const pages = allPages();
const byPath = new Map(pages.map(page => [page.path, page]));

/** What is wrong with a link; null when it leads somewhere. */
const fault = (page: Page, target: string): string | null => {
  if (/^[a-z]+:/.test(target)) return null;
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page.path : normalize(join(dirname(page.path), path));
  if (!existsSync(join(packageRoot, file))) return `${file} is not there`;
  const there = byPath.get(file);
  return anchor === undefined || there === undefined || anchors(there).has(anchor) ? null : `${file} has no #${anchor}`;
};

/** Files as documents name them: from the root, with a folder of ours in front, and no placeholder in them. */
const FILE = /^(?:src|test|schema|projections|docs)\/[a-z\d./_-]+\.(?:ts|sql|md|json)$/;

describe('links in the documents', test => {
  for (const page of pages)
    test(`${page.path}: each leads somewhere`, () => {
      const faults = links(page).flatMap(({ target, line }) => {
        const found = fault(page, target);
        return found === null ? [] : [`line ${line}: ${found}`];
      });
      assert.equal(faults, []);
    });

  test('a broken one would be seen', () => {
    const page = parsePage(
      'docs/x.md',
      '# One & two\n[a](#one--two) [b](nowhere.md) [c](#three) [d](https://example.org)',
    );
    assert.equal(
      links(page).map(({ target }) => fault({ ...page, path: 'docs/README.md' }, target) === null),
      [false, false, false, true],
    );
    assert.equal([...anchors(page)], ['one--two']);
  });

  test('every page of docs/ is reached from its index', () => {
    const index = byPath.get('docs/README.md');
    assert.ok(index);
    const reached = new Set(links(index).map(({ target }) => normalize(join('docs', target.split('#')[0] ?? ''))));
    const lost = pages.map(({ path }) => path).filter(path => path.startsWith('docs/') && path !== 'docs/README.md');
    assert.equal(
      lost.filter(path => !reached.has(path)),
      [],
    );
  });
});

describe('files that are named', test => {
  test('in the documents are there', () => {
    const missing = pages.flatMap(page =>
      inlineCode(page)
        .filter(code => FILE.test(code) && !existsSync(join(packageRoot, code)))
        .map(code => `${page.path}: ${code}`),
    );
    assert.equal(missing, []);
  });

  test('as documents in the code are there', () => {
    const files = [...sources('src', '.ts'), ...sources('schema', '.sql'), ...sources('projections', '.sql')];
    const missing = files.flatMap(({ path, text }) =>
      [...text.matchAll(/\bdocs\/[\w/-]+\.md\b/g)]
        .map(([named]) => named)
        .filter(named => !existsSync(join(packageRoot, named)))
        .map(named => `${path}: ${named}`),
    );
    assert.equal(missing, []);
  });
});
