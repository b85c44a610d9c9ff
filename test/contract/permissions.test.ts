/** Permissions in time: who could do what, now and as of then, over HTTP and by the command line. */
import * as assert from 'uvu/assert';
import { type Home, newHome, type Ran, tally } from '../cli/support/tally.js';
import { type Json, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { done, enable, login } from './support/logins.js';

const PATH = 'secret/data/app/db';

let cluster: TestCluster;
let node: TestNode;
let home: Home;
let accessor = '';
let beforeTheChange = 0;

const run = (args: readonly string[], input = ''): Promise<Ran> =>
  tally(args, {
    home: home.folder,
    input,
    env: { TALLYSTICK_ADDR: node.address, TALLYSTICK_TOKEN: cluster.rootToken },
  });

const can = async (actor: string, capability: string, more = ''): Promise<Json> =>
  (await node.call('GET', `sys/ledger/can?actor=${actor}&capability=${capability}&path=${PATH}${more}`)).body.data;

describe('permissions in time', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    home = await newHome();
    const written = await run(['policy', 'write', 'app', '-'], `path "secret/data/app/*" { capabilities = ["read"] }`);
    assert.is(written.code, 0, written.stderr);
    const made = await node.call('POST', 'auth/token/create', { policies: ['app'], display_name: 'service' });
    accessor = made.body.auth.accessor;
    beforeTheChange = Number(made.headers.get('x-tallystick-position'));
    await node.call('PUT', 'sys/policies/acl/app', { policy: `path "secret/data/app/*" { capabilities = ["deny"] }` });
  });
  test.after(async () => {
    await home.remove();
    await cluster.stop();
  });

  test('the rule that decides is named, now and then', async () => {
    const now = await can(accessor, 'read');
    assert.is(now.allowed, false);
    assert.is(now.holders[0].why, 'deny');
    const then = await can(accessor, 'read', `&position=${beforeTheChange}`);
    assert.is(then.allowed, true);
    assert.is(then.position, beforeTheChange);
    assert.equal(then.holders[0].rule, { policy: 'app', path: 'secret/data/app/*', capability: 'read' });
    assert.is((await can(accessor, 'update', `&position=${beforeTheChange}`)).holders[0].why, 'capability');
  });

  test('an actor is named by name, too; an administrator could by logging in', async () => {
    const { allowed, holders } = await can(cluster.admin.name, 'delete');
    assert.is(allowed, true);
    assert.is(holders[0].holds, 'login');
    assert.is(holders[0].actor.name, cluster.admin.name);
  });

  test('a name at a mount is what it was then, wherever the mount is now', async () => {
    const own = 'path "secret/data/app/{{identity.entity.aliases.people.name}}" { capabilities = ["read"] }';
    await done(node, 'PUT', 'sys/policies/acl/own', { policy: own });
    await enable(node, 'people', { type: 'userpass' });
    await done(node, 'POST', 'auth/people/users/db', { password: 'six green boats at noon', token_policies: 'own' });
    const { headers, body } = await login(node, 'people/login/db', { password: 'six green boats at noon' });
    const then = `&position=${headers.get('x-tallystick-position')}`;
    const may = async (more: string): Promise<boolean> => (await can(body.auth.accessor, 'read', more)).allowed;
    assert.is(await may(''), true);
    await done(node, 'POST', 'sys/remount', { from: 'auth/people', to: 'auth/staff' }, 200);
    assert.is(await may(''), false);
    assert.is(await may(then), true);
    await done(node, 'DELETE', 'sys/auth/staff');
    assert.is(await may(then), true);
    await done(node, 'DELETE', 'sys/policies/acl/own');
  });

  test('a list of everybody holds who could then and not who could not', async () => {
    const of = async (more: string): Promise<string[]> =>
      (await node.call('GET', `sys/ledger/access?path=${PATH}${more}`)).body.data.holders.map(
        ({ display_name }: Json) => display_name,
      );
    assert.equal((await of('')).sort(), [`administrator ${cluster.admin.name}`, 'root']);
    assert.ok((await of(`&position=${beforeTheChange}`)).includes('token-service'));
  });

  test('a token role is listed with what it may give, of the policies that there are', async () => {
    const policy = `path "${PATH}" { capabilities = ["read"] }`;
    for (const name of ['team-a', 'team-b']) await done(node, 'PUT', `sys/policies/acl/${name}`, { policy });
    const roles: readonly (readonly [name: string, fields: Json, listed: boolean])[] = [
      ['named', { allowed_policies: ['team-a'] }, true],
      ['by-glob', { allowed_policies_glob: ['team-*'] }, true],
      ['but-these', { allowed_policies_glob: ['team-*'], disallowed_policies_glob: ['*'] }, false],
      ['root', { allowed_policies: ['root'] }, false],
      ['others', { allowed_policies: ['default'] }, false],
    ];
    for (const [name, fields] of roles) await done(node, 'POST', `auth/token/roles/${name}`, fields);
    const { holders } = (await node.call('GET', `sys/ledger/access?path=${PATH}`)).body.data;
    const listed = new Set(holders.map(({ display_name }: Json) => display_name));
    for (const [name, , wanted] of roles) assert.is(listed.has(`auth/token/roles/${name}`), wanted, name);
    for (const [name] of roles) await done(node, 'DELETE', `auth/token/roles/${name}`);
    for (const name of ['team-a', 'team-b']) await done(node, 'DELETE', `sys/policies/acl/${name}`);
  });

  test('the command line answers by its exit code', async () => {
    const no = await run(['can', accessor, 'read', PATH]);
    assert.is(no.code, 4, no.stderr);
    assert.match(no.stdout, /^no, as of /);
    const yes = await run(['can', accessor, 'read', PATH, '--position', String(beforeTheChange)]);
    assert.is(yes.code, 0, yes.stderr);
    assert.match(yes.stdout, 'app: secret/data/app/*');
    const all = await run(['access', PATH]);
    assert.is(all.code, 0, all.stderr);
    assert.match(all.stdout, cluster.admin.name);
    assert.match((await run(['policy', 'read', 'app'])).stdout, '"deny"');
    assert.match((await run(['policy', 'list'])).stdout, /^app\nauditor\ndefault\nroot\n/);
    assert.is((await run(['policy', 'read', 'none'])).code, 5);
    assert.is((await run(['policy', 'delete', 'app'])).code, 0);
  });

  test('an auditor may ask, a token without policies may not', async () => {
    const asked = async (policy: string): Promise<number> => {
      const made = await node.call('POST', 'auth/token/create', { policies: [policy] });
      const token = made.body.auth.client_token;
      return (await node.call('GET', `sys/ledger/access?path=${PATH}`, undefined, { token })).status;
    };
    assert.is(await asked('auditor'), 200);
    assert.is(await asked('default'), 403);
  });

  const refusals = [
    'actor=x&path=a',
    'actor=x&capability=fly&path=a',
    'capability=read&path=a',
    'actor=x&capability=read',
  ];
  for (const query of refusals)
    test(`${query} is refused`, async () => {
      assert.is((await node.call('GET', `sys/ledger/can?${query}`)).status, 400);
    });
  test('an actor that nobody was is refused', async () => {
    assert.is((await node.call('GET', `sys/ledger/can?actor=nobody&capability=read&path=a`)).status, 400);
  });
});
