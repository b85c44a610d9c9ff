/** What the code calls a thing is in the page that lists such things: events, settings, commands, failures, metrics, vectors. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import * as assert from 'uvu/assert';
import type { Cli } from '../../src/cli/cli.js';
import { ExitCode } from '../../src/cli/exit-codes.js';
import { buildProgram } from '../../src/cli/program.js';
import { readConfig } from '../../src/config.js';
import type { Failure } from '../../src/failure.js';
import { failureAnswer } from '../../src/http/failure.js';
import { createMetrics } from '../../src/metrics.js';
import { packageRoot } from '../../src/package-root.js';
import { describe } from '../support/describe.js';
import { allPages, inlineCode, type Page, readPage, sources } from './support/pages.js';

const source = (path: string): string => sources('src', '.ts').find(file => file.path === path)?.text ?? '';

const found = (text: string, pattern: RegExp): string[] =>
  [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].sort();

const missingIn = (page: Page, names: readonly string[]): string[] => {
  const code = new Set(inlineCode(page));
  return names.filter(name => !code.has(name));
};

/** First words of event types and of operations. */
const NOUNS =
  'secret|batch|ledger|keystore|term|epoch|checkpoint|entity|login|role|secretid|token|mount|policy|quota|config|view|' +
  'hold|erasure|review|export|verify|clock|requests|kv|auth|sys|operator|restore|projection|erase|retention|' +
  'cubbyhole|wrapping';

describe('the event catalogue', test => {
  test('has every event type and every operation that the code names', () => {
    const code = [...sources('src', '.ts'), ...sources('projections', '.ts')].map(({ text }) => text).join('\n');
    const names = found(code, new RegExp(`'((?:${NOUNS})\\.[a-z]+(?:-[a-z]+)*)'`, 'g'));
    assert.ok(names.length > 40, `${names.length} names`);
    assert.equal(missingIn(readPage('docs/reference/events.md'), names), []);
  });
});

describe('the page on configuration', test => {
  const page = readPage('docs/reference/configuration.md');
  const variables = [source('src/config.ts'), source('src/cli/environment.ts')].flatMap(text =>
    found(text, /^ {2}([A-Z][A-Z_]+): t\.string,$/gm),
  );

  test('has every variable that is read', () => {
    assert.ok(variables.length > 25, `${variables.length} variables`);
    const code = inlineCode(page).map(text => text.split('=')[0]);
    assert.equal(
      variables.filter(name => !code.includes(name)),
      [],
    );
  });

  test('has the defaults', () => {
    const config = readConfig({}, {});
    assert.is(config._tag, 'Right');
    if (config._tag === 'Left') return;
    const row = (name: string): string => page.prose.find(line => line.startsWith(`| \`${name}\` |`)) ?? '';
    const { host, port, schema, poolSize, logLevel } = config.right;
    assert.match(row('TALLYSTICK_LISTEN'), `\`${host}:${port}\``);
    assert.match(row('TALLYSTICK_SCHEMA'), `\`${schema}\``);
    assert.match(row('TALLYSTICK_POOL'), `\`${poolSize}\``);
    assert.match(row('TALLYSTICK_LOG'), `\`${logLevel}\``);
    assert.match(row('TALLYSTICK_PLAIN_HTTP'), config.right.plainHttp ? '`yes`' : '`no`');
    assert.match(row('TALLYSTICK_PROJECTORS'), config.right.projectors ? '`yes`' : '`no`');
  });

  test('is the only place that settings come from: no document names one that nothing reads', () => {
    const readers = [...sources('src', '.ts'), ...sources('test', '.ts')].map(({ text }) => text).join('\n');
    const others = ['docker-compose.yml', 'Dockerfile'].map(name => readFileSync(join(packageRoot, name), 'utf8'));
    const known = new Set(found([readers, ...others].join('\n'), /\b(TALLYSTICK_[A-Z_]+)\b/g));
    const named = allPages().flatMap(each => [
      ...found(inlineCode(each).join('\n'), /\b(TALLYSTICK_[A-Z_]+)\b/g),
      ...found(each.blocks.map(({ text }) => text).join('\n'), /\b(TALLYSTICK_[A-Z_]+)\b/g),
    ]);
    assert.equal(
      [...new Set(named)].filter(name => !known.has(name)),
      [],
    );
  });
});

/** Commands are built and not run: nothing of the world is asked for. */
const program = buildProgram({} as Cli, '0.0.0');

const leaves = (command: Command, path: readonly string[]): string[] =>
  command.commands.length === 0
    ? [path.join(' ')]
    : command.commands.flatMap(child => leaves(child, [...path, child.name()]));

/** Null: the line is one that `tally` would understand, as far as command and options go. */
const misunderstood = (words: readonly string[]): string | null => {
  let command: Command = program;
  let rest = [...words];
  while (
    command.commands.length > 0 &&
    rest[0] !== undefined &&
    /^[a-z-]+$/.test(rest[0]) &&
    !rest[0].startsWith('-')
  ) {
    const child: Command | undefined = command.commands.find(each => each.name() === rest[0]);
    if (child === undefined) return command === program && rest[0] === 'completion' ? null : `no command ${rest[0]}`;
    command = child;
    rest = rest.slice(1);
  }
  const known = new Set(['--help', '--version', ...command.options.map(option => option.long)]);
  const unknown = rest.map(word => word.split('=')[0] ?? '').find(word => word.startsWith('--') && !known.has(word));
  return unknown === undefined ? null : `${command.name()} has no ${unknown}`;
};

/** `tally` with what follows it, up to where a shell would end the command. */
const commandsIn = (text: string): string[][] =>
  [...text.matchAll(/(?:^|[\s|(])tally((?: +[^\s|;&<>()#]+)+)/gm)].map(([, words = '']) => words.trim().split(/ +/));

describe('the page on the command line', test => {
  const page = readPage('docs/reference/cli.md');

  test('has every command', () => {
    const words = new Set(inlineCode(page).flatMap(code => code.split(/[ |]/)));
    const commands = leaves(program, []);
    assert.ok(commands.length > 20, `${commands.length} commands`);
    assert.equal(
      commands.filter(command => !command.split(' ').every(word => words.has(word))),
      [],
    );
  });

  test('has every exit code', () => {
    const rows = new Set(page.prose.map(line => /^\| *`?(\d+)`? *\|/.exec(line)?.[1]));
    assert.equal(
      Object.values(ExitCode).filter(code => !rows.has(String(code))),
      [],
    );
  });

  test('speaks of a command that exists, and so does every other page', () => {
    const wrong = allPages().flatMap(each =>
      [...inlineCode(each), ...each.blocks.filter(({ info }) => info.startsWith('sh')).map(({ text }) => text)]
        .flatMap(commandsIn)
        .flatMap(words => {
          const fault = misunderstood(words);
          return fault === null ? [] : [`${each.path}: tally ${words.join(' ')}: ${fault}`];
        }),
    );
    assert.equal(wrong, []);
  });

  test('a command that does not exist would be seen', () => {
    assert.is(misunderstood(['operator', 'open']), 'no command open');
    assert.is(misunderstood(['restore', 'secret/a', '--when', '1m']), 'restore has no --when');
    assert.equal(commandsIn('printf x | npx tally put a b=- --cas 1; tally list a/'), [
      ['put', 'a', 'b=-', '--cas', '1'],
      ['list', 'a/'],
    ]);
  });
});

const METADATA = { version: 1, createdAt: 0, deletionTime: 0, destroyed: true, customMetadata: null };

/** One of each kind: a kind that is new does not compile here. */
const FAILURES: { readonly [K in Failure['kind']]: Extract<Failure, { kind: K }> } = {
  'not-initialised': { kind: 'not-initialised' },
  'already-initialised': { kind: 'already-initialised' },
  sealed: { kind: 'sealed' },
  unauthenticated: { kind: 'unauthenticated' },
  'bad-token': { kind: 'bad-token' },
  forbidden: { kind: 'forbidden' },
  invalid: { kind: 'invalid', message: '' },
  'too-large': { kind: 'too-large', message: '' },
  'no-mount': { kind: 'no-mount', path: '' },
  absent: { kind: 'absent' },
  'version-gone': { kind: 'version-gone', metadata: METADATA },
  erased: { kind: 'erased', message: '' },
  held: { kind: 'held', message: '' },
  'cas-required': { kind: 'cas-required', of: 'data' },
  'cas-mismatch': { kind: 'cas-mismatch', of: 'data' },
  'bad-credentials': { kind: 'bad-credentials', message: '' },
  'too-many-attempts': { kind: 'too-many-attempts', retryAfterSeconds: 1 },
  busy: { kind: 'busy', retryAfterSeconds: 1 },
  'plan-outdated': { kind: 'plan-outdated', message: '' },
  'idempotency-mismatch': { kind: 'idempotency-mismatch' },
  overloaded: { kind: 'overloaded', retryAfterSeconds: 1 },
  upstream: { kind: 'upstream', message: '' },
  'database-unavailable': { kind: 'database-unavailable', during: '', cause: null },
  kms: { kind: 'kms', trouble: 'away', message: '' },
  'projection-behind': { kind: 'projection-behind', projection: '', lag: 1, retryAfterSeconds: 1 },
  integrity: { kind: 'integrity', what: '', position: null },
  timeout: { kind: 'timeout', during: '' },
  internal: { kind: 'internal', during: '', cause: null },
};

describe('the page on failures', test => {
  const { prose } = readPage('docs/reference/failures.md');
  for (const failure of Object.values(FAILURES))
    test(`has ${failure.kind} with its status, and says so where a client should come back`, () => {
      const row = prose.find(line => line.startsWith(`| \`${failure.kind}\` |`));
      assert.ok(row, 'a row of its own');
      const { status, headers } = failureAnswer('', failure);
      const cell = row.split('|')[3] ?? '';
      assert.match(cell, new RegExp(`\\b${status}\\b`));
      assert.is(cell.includes('Retry-After'), headers?.['retry-after'] !== undefined, cell);
    });
});

describe('the page on metrics', test => {
  const listed = found(readPage('docs/reference/metrics.md').prose.join('\n'), /^\| `tallystick_(\w+)` \|/gm);

  test('has exactly what is measured', async () => {
    const sample = {
      ...{ sealed: false, ledgerSize: 0, tokens: 0, queueCommands: 0, queueBytes: 0 },
      ...{ pools: [], projections: [], relations: [], statements: [] },
    };
    const text = await createMetrics().text(async () => sample);
    assert.equal(listed, found(text, /^# HELP tallystick_(\w+) /gm));
  });

  test('has what the dashboard shows', () => {
    const [dashboard] = sources('docs', 'dashboard.json');
    const shown = found(dashboard?.text ?? '', /\btallystick_(\w+)/g).map(name =>
      name.replace(/_(bucket|sum|count)$/, ''),
    );
    assert.ok(shown.length > 10);
    assert.equal(
      shown.filter(name => !listed.includes(name)),
      [],
    );
  });
});

describe('the page on formats', test => {
  test('has no vector that is not a test', () => {
    const page = readPage('docs/reference/formats.md');
    const text = [...page.prose, ...page.blocks.map(block => block.text)].join('\n');
    const vectors = found(text, /\b([0-9a-f]{32,})\b/g);
    assert.ok(vectors.length > 40, `${vectors.length} vectors`);
    const tested = sources('test/crypto', '.ts')
      .map(file => file.text)
      .join('\n');
    assert.equal(
      vectors.filter(vector => !tested.includes(vector)),
      [],
    );
  });
});
