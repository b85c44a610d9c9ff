/** The key store changed by one node, then by another: neither works with, or writes, what the other has replaced. */
import * as assert from 'uvu/assert';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

describe('two nodes that change the key store', test => {
  let cluster: TestCluster;
  test.before(async () => {
    cluster = await testCluster();
  });
  test.after(() => cluster.stop());

  test('take turns: each has the newest keyring before it makes the next', async () => {
    const other = await cluster.newNode();
    const nodes = [cluster.node, other, cluster.node, other];
    for (const [i, node] of nodes.entries()) {
      const password = `six words that nobody guesses ${i}`;
      const added = await node.call('POST', `auth/userpass/users/person-${i}`, { password, policies: 'root' });
      assert.is(added.status, 204, added.text);
      // A request of any kind folds authority, and with it follows the keyring.
      for (const each of [cluster.node, other])
        assert.is((await each.call('GET', 'auth/token/lookup-self')).status, 200);
    }
    const generations = [cluster.node, other].map(node => {
      const { session } = node.program.nexus;
      return [session?.custody.keyring.generation, session?.authority.keystore?.generation];
    });
    assert.equal(generations, [
      [5, 5],
      [5, 5],
    ]);
    const third = await cluster.newNode();
    assert.is((await third.call('GET', 'sys/health')).status, 200);
  });

  test('notice a keyring that is older than the ledger says', async () => {
    const owner = await cluster.db.client();
    const other = await cluster.newNode();
    const old = await owner.query('select generation, box from keyring');
    const password = 'six words that nobody guesses again';
    assert.is(
      (await cluster.node.call('POST', 'auth/userpass/users/late', { password, policies: 'root' })).status,
      204,
    );
    const [row] = old.rows;
    await owner.query('update keyring set generation = $1, box = $2', [row.generation, row.box]);
    const reply = await other.call('GET', 'auth/token/lookup-self');
    assert.is(reply.status, 500, reply.text);
    assert.ok(
      other.log.some(line => line.includes('keyring')),
      'the log names it',
    );
  });
});
