/** A read folds authority beyond the head that the follower knows: for that moment the chain of the older head is still known. */
import * as assert from 'uvu/assert';
import type { Runner } from '../../src/sql.js';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

describe('a node whose reads are ahead of its follower', test => {
  let cluster: TestCluster;
  test.before(async () => {
    cluster = await testCluster();
  });
  test.after(() => cluster.stop());

  test('takes the older head for what it is, also right after it was unsealed', async () => {
    const other = await cluster.newNode();
    const { session } = other.program.nexus;
    assert.ok(session);
    const { known, ports, reader, authority } = session;
    const before = authority.position;
    let asked = false;
    // The head is read; before it arrives, another node writes a policy, and a read here folds it.
    const slow: Runner = {
      run: async (query, values) => {
        const rows = await ports.runner.run(query, values);
        if (asked) return rows;
        asked = true;
        const written = await cluster.node.call('POST', 'sys/policies/acl/ahead', { policy: 'path "secret/*" {}' });
        assert.is(written.status, 204, written.text);
        await reader.refresh();
        return rows;
      },
    };
    await known.catchUp(slow);
    assert.ok(authority.position > before);
    const head = await known.catchUp(ports.runner);
    assert.is(head.authorityCount, known.authorityCount);
  });
});
