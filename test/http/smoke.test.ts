import * as assert from 'uvu/assert';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

let cluster: TestCluster;

describe('a secret over HTTP', test => {
  test.before(async () => {
    cluster = await testCluster();
  });
  test.after(() => cluster.stop());

  test('is written, read, changed, read as it was, deleted and restored', async () => {
    const { node } = cluster;
    const first = await node.call('POST', 'secret/data/team/db', { data: { password: 'hunter2', n: 1 } });
    assert.is(first.status, 200);
    assert.is(first.body.data.version, 1);
    const position = Number(first.headers.get('x-tallystick-position'));
    assert.is(
      (await node.call('POST', 'secret/data/team/db', { data: { password: 'x' }, options: { cas: 1 } })).status,
      200,
    );
    assert.equal((await node.call('GET', 'secret/data/team/db')).body.data.data, { password: 'x' });
    const then = await node.call('GET', `secret/data/team/db?position=${position}`);
    assert.equal(then.body.data.data, { password: 'hunter2', n: 1 });
    assert.is((await node.call('DELETE', 'secret/data/team/db')).status, 204);
    assert.is((await node.call('GET', 'secret/data/team/db')).status, 404);
    const plan = await node.call('POST', 'sys/ledger/restore/plan', { mount: 'secret', path: 'team/', position });
    assert.is(plan.status, 200, plan.text);
    assert.equal(plan.body.data.changes, [{ path: 'team/db', change: 'update', detail: 'version 1 again' }]);
    const applied = await node.call('POST', 'sys/ledger/restore/apply', { plan_id: plan.body.data.plan_id });
    assert.is(applied.status, 200, applied.text);
    assert.equal((await node.call('GET', 'secret/data/team/db')).body.data.data, { password: 'hunter2', n: 1 });
    const again = await node.call('POST', 'sys/ledger/restore/apply', { plan_id: plan.body.data.plan_id });
    assert.is(again.status, 409);
  });

  test('is listed at once, on another node too, also as of then', async () => {
    const other = await cluster.newNode();
    await cluster.node.call('POST', 'secret/data/folder/a', { data: { v: 1 } });
    const listed = await other.call('LIST', 'secret/metadata/folder');
    assert.equal(listed.body.data.keys, ['a']);
    const before = Number(listed.headers.get('x-tallystick-position'));
    await other.call('POST', 'secret/data/folder/b/c', { data: { v: 1 } });
    assert.equal((await cluster.node.call('GET', 'secret/metadata/folder?list=true')).body.data.keys, ['a', 'b/']);
    await cluster.node.call('DELETE', 'secret/metadata/folder/b/c');
    assert.equal((await other.call('LIST', 'secret/metadata/folder')).body.data.keys, ['a']);
    assert.equal((await other.call('LIST', `secret/metadata/folder?position=${before}`)).body.data.keys, ['a']);
    assert.is((await other.call('LIST', 'secret/metadata/nothing')).status, 404);
  });

  test('shows who did it in the audit trail, refusals too, and never a value', async () => {
    const { node } = cluster;
    assert.is((await node.call('GET', 'secret/data/team/db', undefined, { token: 'hvs.wrong' })).status, 403);
    const made = await node.call('POST', 'auth/token/create', { policies: ['auditor'], ttl: '1h' });
    assert.is(made.status, 200, made.text);
    const token: string = made.body.auth.client_token;
    assert.is((await node.call('GET', 'secret/data/team/db', undefined, { token })).status, 403);
    await node.program.nexus.session?.recorder.flush();
    const trail = await node.call('GET', 'sys/ledger/events?path=secret/team', undefined, { token });
    assert.is(trail.status, 200, trail.text);
    const types = trail.body.data.events.map(
      (event: { type: string; outcome: string }) => `${event.type} ${event.outcome}`,
    );
    assert.ok(types.includes('secret.written ok'));
    assert.ok(types.includes('kv.read denied'));
    assert.not.match(trail.text, 'hunter2');
    const denied = await node.call('GET', 'sys/ledger/events?outcome=denied', undefined, { token });
    assert.is(denied.body.data.events.length, 2);
  });
});
