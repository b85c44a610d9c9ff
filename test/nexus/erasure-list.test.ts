/** The erasure list of a node: whole, whoever destroyed something and whatever a crash left out. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import * as assert from 'uvu/assert';
import { type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';

describe('the erasure list of a node', test => {
  let cluster: TestCluster;
  let other: TestNode;
  let owner: pg.Client;
  const files = (node: TestNode) =>
    [join(node.folder, 'erasure-list'), join(node.folder, 'erasure-list-seen')] as const;
  const names = (node: TestNode, keyId: string): boolean => {
    const [path] = files(node);
    return existsSync(path) && readFileSync(path, 'utf8').includes(keyId.replaceAll('-', ''));
  };
  const unsealAgain = async (node: TestNode): Promise<void> => {
    await node.program.nexus.seal();
    assert.is((await node.call('POST', 'sys/unseal', { key: cluster.key })).status, 200);
  };
  /** The key row of a version that is destroyed right after. */
  const destroyed = async (path: string): Promise<Record<string, unknown> & { readonly key_id: string }> => {
    const { node } = cluster;
    assert.is((await node.call('POST', `secret/data/${path}`, { data: { path } })).status, 200);
    const { rows } = await owner.query(
      'select k.* from events e join keys k on k.key_id = e.key_id order by e.position desc limit 1',
    );
    assert.is((await node.call('PUT', `secret/destroy/${path}`, { versions: [1] })).status, 204);
    return rows[0];
  };

  test.before(async () => {
    cluster = await testCluster();
    other = await cluster.newNode();
    owner = await cluster.db.client();
  });
  test.after(() => cluster.stop());

  test('has what another node destroyed: a restore that only this one comes back from brings nothing back', async () => {
    const row = await destroyed('elsewhere');
    assert.ok(names(cluster.node, row.key_id), 'on the node that did it, before it answered');
    await until('on the other one', () => names(other, row.key_id));
    const values = ['key_id', 'kind', 'owner', 'term', 'wrapped'].map(column => row[column]);
    await owner.query('insert into keys (key_id, kind, owner, term, wrapped) values ($1, $2, $3, $4, $5)', values);
    await unsealAgain(other);
    const { rows } = await owner.query('select from keys where key_id = $1', [row.key_id]);
    assert.is(rows.length, 0);
  });

  test('gets the line that a crash between commit and line left out', async () => {
    const row = await destroyed('crash');
    const [path, seen] = files(cluster.node);
    const whole = readFileSync(path, 'utf8');
    await cluster.node.program.nexus.seal();
    // As the crash leaves it: the commit is there, half a line is.
    writeFileSync(path, whole.slice(0, whole.lastIndexOf('\n', whole.length - 2) + 40));
    assert.not(names(cluster.node, row.key_id));
    assert.is((await cluster.node.call('POST', 'sys/unseal', { key: cluster.key })).status, 200);
    await until('the line is there', () => names(cluster.node, row.key_id));
    await until('how far it looked is there too', () => existsSync(seen));
    rmSync(path);
    rmSync(seen);
    await unsealAgain(cluster.node);
    await until('and all of them, where the file was lost', () => names(cluster.node, row.key_id));
  });
});
