/** The JavaScript client people use, as it comes from npm: from a server without a ledger to a token that is revoked. */
import nodeVault from 'node-vault';
import * as assert from 'uvu/assert';
import { startNode, type TestNode } from '../support/cluster.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';

let db: TestDatabase;
let node: TestNode;
let root: nodeVault.client;
let ann: nodeVault.client;
let keys: readonly string[];

const clientWith = (token: string): nodeVault.client => nodeVault({ endpoint: node.address, token });

/** What the client throws for an answer that is no success. */
const refusal = async (asked: Promise<unknown>): Promise<{ message: string; status: number; body: unknown }> => {
  try {
    await asked;
  } catch (error) {
    if (error instanceof Error && 'response' in error) {
      const { statusCode, body } = error.response as { statusCode: number; body: unknown };
      return { message: error.message, status: statusCode, body };
    }
    throw error;
  }
  throw new Error('it was accepted');
};

describe('node-vault, unmodified,', test => {
  test.before(async () => {
    db = await testDatabase();
    node = await startNode(db, db.dataFolder, () => '', {});
    root = clientWith('');
  });
  test.after(async () => {
    await node.stop();
    await db.drop();
  });

  test('makes a ledger with three shares, two of which open it', async () => {
    assert.equal(await root.initialized(), { initialized: false });
    const made = await root.init({ secret_shares: 3, secret_threshold: 2 });
    keys = made.keys;
    assert.is(keys.length, 3);
    root.token = made.root_token;
    assert.is((await root.status()).sealed, true);
    assert.is((await refusal(root.read('secret/data/app'))).message, 'Vault is sealed');
  });

  test('opens it share by share', async () => {
    const half = await root.unseal({ key: keys[2] });
    assert.equal([half.sealed, half.progress, half.t, half.n], [true, 1, 2, 3]);
    assert.is((await root.unseal({ key: keys[0] })).sealed, false);
    assert.is((await root.health()).sealed, false);
  });

  test('mounts, writes a policy, enables a login method and gives a person a password', async () => {
    await root.mount({ mount_point: 'team', type: 'kv', options: { version: '2' } });
    assert.equal((await root.mounts())['team/'].options, { version: '2' });
    const rules = [
      'path "team/data/app/*" { capabilities = ["create", "read", "update", "patch", "delete"] }',
      'path "team/metadata/app/*" { capabilities = ["list", "read", "update"] }',
      'path "team/undelete/app/*" { capabilities = ["update"] }',
      'path "team/destroy/app/*" { capabilities = ["update"] }',
    ].join('\n');
    await root.addPolicy({ name: 'app', rules });
    assert.is((await root.getPolicy({ name: 'app' })).rules, rules);
    assert.ok((await root.policies()).policies.includes('app'));
    await root.enableAuth({ mount_point: 'userpass', type: 'userpass' });
    await root.write('auth/userpass/users/ann', { password: 'a-pass-of-ann', token_policies: 'app', token_ttl: '1h' });
  });

  test('logs in with a name and a password', async () => {
    ann = clientWith('');
    const wrong = await refusal(ann.userpassLogin({ username: 'ann', password: 'not hers' }));
    assert.equal([wrong.status, wrong.message], [400, 'invalid username or password']);
    const { auth } = await ann.userpassLogin({ username: 'ann', password: 'a-pass-of-ann' });
    assert.equal([auth.policies, auth.lease_duration], [['app', 'default'], 3600]);
    assert.is(ann.token, auth.client_token);
    assert.is((await ann.tokenLookupSelf()).data.display_name, 'userpass-ann');
  });

  test('writes, reads, patches and lists secrets', async () => {
    const written = await ann.write('team/data/app/db', { data: { user: 'app', port: 5432 }, options: { cas: 0 } });
    assert.is(written.data.version, 1);
    assert.equal((await ann.read('team/data/app/db')).data.data, { user: 'app', port: 5432 });
    assert.is((await ann.update('team/data/app/db', { data: { port: null, host: 'db1' } })).data.version, 2);
    assert.equal((await ann.read('team/data/app/db')).data.data, { user: 'app', host: 'db1' });
    assert.equal((await ann.read('team/data/app/db?version=1')).data.data.port, 5432);
    await ann.write('team/metadata/app/db', { max_versions: 5, custom_metadata: { owner: 'ann' } });
    assert.equal((await ann.read('team/metadata/app/db')).data.custom_metadata, { owner: 'ann' });
    assert.equal((await ann.list('team/metadata/app/')).data.keys, ['db']);
    const plain = nodeVault({ endpoint: node.address, token: ann.token, noCustomHTTPVerbs: true });
    assert.equal((await plain.list('team/metadata/app')).data.keys, ['db']);
  });

  test('is told of a check-and-set that does not match, and of what is not there', async () => {
    const again = await refusal(ann.write('team/data/app/db', { data: {}, options: { cas: 0 } }));
    assert.equal([again.status, again.message], [400, 'check-and-set parameter did not match the current version']);
    const missing = await refusal(ann.read('team/data/app/nothing'));
    assert.equal([missing.status, missing.message, missing.body], [404, 'Status 404', { errors: [] }]);
  });

  test('deletes, brings back and destroys versions', async () => {
    await ann.delete('team/data/app/db');
    const deleted = await refusal(ann.read('team/data/app/db'));
    assert.is(deleted.status, 404);
    assert.match(JSON.stringify(deleted.body), '"data":null');
    await ann.write('team/undelete/app/db', { versions: [2] });
    assert.is((await ann.read('team/data/app/db')).data.data.host, 'db1');
    await ann.write('team/destroy/app/db', { versions: [1] });
    assert.is((await ann.read('team/metadata/app/db')).data.versions['1'].destroyed, true);
  });

  test('may do what the policy says and nothing else', async () => {
    for (const asked of [
      () => ann.read('team/data/other'),
      () => ann.write('sys/mounts/mine', { type: 'kv' }),
      () => ann.list('team/metadata/'),
      () => ann.read('nowhere/at/all'),
    ]) {
      const refused = await refusal(asked());
      assert.equal([refused.status, refused.message.includes('permission denied')], [403, true]);
    }
  });

  test('renews its token, gives a child a smaller one, and both end when it is revoked', async () => {
    assert.is((await ann.tokenRenewSelf({ increment: 1800 })).auth.client_token, ann.token);
    const { auth } = await clientWith(ann.token)
      .write('auth/token/create-orphan', {})
      .catch(() => ({ auth: null }));
    assert.is(auth, null, 'without sudo nobody makes an orphan');
    await root.addPolicy({
      name: 'app',
      rules: `${(await root.getPolicy({ name: 'app' })).rules}
      path "auth/token/create" { capabilities = ["update"] }`,
    });
    const child = await clientWith(ann.token).tokenCreate({ policies: ['default'], ttl: '5m' });
    await root.tokenRevoke({ token: ann.token });
    for (const token of [ann.token, child.auth.client_token])
      assert.is((await refusal(clientWith(token).tokenLookupSelf())).status, 403);
    assert.is((await refusal(ann.read('team/data/app/db'))).message, 'permission denied');
  });

  test('takes the mount away and gives up root', async () => {
    const last = clientWith(root.token);
    await root.unmount({ mount_point: 'team' });
    assert.match((await refusal(root.read('team/data/app/db'))).message, 'no handler for route');
    await last.tokenRevokeSelf();
    assert.is((await refusal(root.mounts())).message, 'permission denied');
  });
});
