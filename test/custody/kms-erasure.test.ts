/** Erasure keys that a key service keeps, a key for each term: the end of the service's key is the end of the term. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readConfig } from '../../src/config.js';
import { whenSuiteEnds } from '../support/cleanup.js';
import { type Json, startNode, type TestCluster, testCluster } from '../support/cluster.js';
import { testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';

/** Keeps a key in a file for each name that it is given, makes it when it is missing, and refuses once it is gone. */
const PROGRAM = `
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
const [folder, name, verb] = process.argv.slice(2);
const file = folder + '/' + name + '.key';
if (verb === 'wrap' && !existsSync(file)) writeFileSync(file, randomBytes(32), { mode: 0o600 });
if (!existsSync(file)) process.exit(1);
const input = readFileSync(0);
if (verb === 'wrap') {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', readFileSync(file), iv);
  process.stdout.write(Buffer.concat([iv, cipher.update(input), cipher.final(), cipher.getAuthTag()]));
} else {
  const cipher = createDecipheriv('aes-256-gcm', readFileSync(file), input.subarray(0, 12));
  cipher.setAuthTag(input.subarray(-16));
  process.stdout.write(Buffer.concat([cipher.update(input.subarray(12, -16)), cipher.final()]));
}
`;

describe('a ledger of which nobody said where its erasure keys are kept', test => {
  test('is not made', async () => {
    const db = await testDatabase();
    whenSuiteEnds(() => db.drop());
    const node = await startNode(db, db.dataFolder, () => '', { erasureKey: '' });
    whenSuiteEnds(() => node.stop());
    const reply = await node.call('POST', 'sys/init', { secret_shares: 1, secret_threshold: 1 });
    assert.is(reply.status, 400);
    assert.match(reply.body.errors[0], /TALLYSTICK_ERASURE_KEY=file:PATH/);
    assert.not(existsSync(join(db.dataFolder, 'erasure-keys')));
  });
});

describe('erasure keys at a key service', test => {
  const folder = join(tmpdir(), `tallystick-kms-${process.pid}`);
  const program = join(folder, 'keys.mjs');
  const keyOf = (term: number): string => join(folder, `term-${term}.key`);
  const setting = `exec:${process.execPath}?arg=${program}&arg=${folder}&arg=term-{term}`;
  let cluster: TestCluster;
  const call = (method: string, path: string, body?: unknown) => cluster.node.call(method, path, body);
  const first = async (): Promise<Json> => (await call('GET', 'sys/ledger/keys')).body.data.terms[0];

  test.before(async () => {
    mkdirSync(folder, { mode: 0o700 });
    whenSuiteEnds(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(program, PROGRAM);
    cluster = await testCluster({ shares: 1, threshold: 1 }, { erasureKey: setting });
    assert.is((await call('POST', 'secret/data/a', { data: { v: 1 } })).status, 200);
  });
  test.after(() => cluster.stop());

  test('need a key for each term', () => {
    const refused = readConfig({ erasureKey: `exec:${program}` }, {});
    assert.match(refused._tag === 'Left' ? refused.left : '', /with \{term\} in its name/);
    const unusable = readConfig({ erasureKey: 'transit:http://example.org/transit/tallystick-{term}' }, {});
    assert.match(unusable._tag === 'Left' ? unusable.left : '', /^TALLYSTICK_ERASURE_KEY of kind transit:/);
  });

  test('leave nothing on the node, and nothing in the database that opens without the service', async () => {
    assert.not(existsSync(join(cluster.node.folder, 'erasure-keys')));
    assert.ok(existsSync(keyOf(1)));
    const client = await cluster.db.client();
    const { rows } = await client.query('select term, uri, wrapped from erasure_keys');
    assert.is(rows.length, 1);
    assert.ok(rows[0].wrapped.length > 32);
    assert.match(rows[0].uri, /arg=term-1$/);
  });

  test('are at hand for every node that reaches the service', async () => {
    const other = await cluster.newNode();
    assert.is((await other.call('GET', 'secret/data/a')).body.data.data.v, 1);
    await other.stop();
  });

  test('end with the key of their term: it is seen, not done, by the server', async () => {
    assert.is((await call('POST', 'sys/rotate/config', { backup_retention: '0s' })).status, 204);
    assert.is((await call('POST', 'sys/rotate')).status, 204);
    assert.ok(existsSync(keyOf(2)));
    await until('term 1 has ended', async () => (await first()).state === 'ended');
    const [copy] = (await first()).copies;
    assert.equal([copy.kind, copy.gone], ['kms', null]);
    assert.match((await call('GET', 'sys/ledger/keys')).body.data.waiting_for[0], /kms exec:.*term-1$/);
    const owner = await cluster.db.client();
    const { rows } = await owner.query('delete from erasure_keys where term = 1 returning term, uri, wrapped');
    const put = (wrapped: Buffer) =>
      owner.query('insert into erasure_keys (term, uri, wrapped) values (1, $1, $2)', [rows[0].uri, wrapped]);
    assert.is((await first()).copies[0]?.gone, null, 'a row that is gone is not a key that is gone');
    await put(Buffer.alloc(60, 1));
    assert.is((await first()).copies[0]?.gone, null, 'nor is one that the service does not take');
    await owner.query('delete from erasure_keys where term = 1');
    await put(rows[0].wrapped);
    rmSync(keyOf(1));
    await until('term 1 is destroyed', async () => (await first()).state === 'destroyed');
    assert.is((await call('GET', 'secret/data/a')).body.data.data.v, 1);
  });

  test('keep the server sealed, by name, when the service has lost the key of a living term', async () => {
    await cluster.node.program.nexus.seal();
    rmSync(keyOf(2));
    const reply = await call('POST', 'sys/unseal', { key: cluster.key });
    assert.is(reply.status, 500);
    assert.match((await call('GET', 'sys/seal-status')).body.degraded.join(), /term-2: the program failed/);
  });
});
