/** `sys/` over real sockets, as far as it is about the node, its mounts as callers see them, and audit devices. */
import * as assert from 'uvu/assert';
import { type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { refusedWith, revokedMeanwhile, type TokenCalls, tokenCalls } from './support/tokens.js';

let cluster: TestCluster;
let node: TestNode;
let calls: TokenCalls;

/** A token that has just this policy, without `default`. */
const tokenWith = async (policy: string): Promise<string> => {
  const name = `p${Math.random().toString(36).slice(2)}`;
  await calls.policy(name, policy);
  return (await calls.make({ policies: [name], no_default_policy: true })).client_token;
};

const probe = (path: string, token?: string) => calls.get(`sys/internal/ui/mounts/${path}`, token);

describe('what sys says about the node, its mounts and its audit devices', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    calls = tokenCalls(node);
  });

  const reaching: readonly string[] = [
    'path "secret/data/app/*" { capabilities = ["read"] }',
    'path "secret/data/app" { capabilities = ["read"] }',
    'path "secret/*" { capabilities = ["list"] }',
    'path "sec*" { capabilities = ["list"] }',
    'path "*" { capabilities = ["read"] }',
    'path "+/data/x" { capabilities = ["read"] }',
    'path "secret/metadata/*" { capabilities = ["deny"] }\npath "secret/data/x" { capabilities = ["read"] }',
  ];
  for (const policy of reaching)
    test(`the question which mount a path is in is answered to a token with ${policy.replaceAll('\n', ' ')}`, async () => {
      const token = await tokenWith(policy);
      for (const path of ['secret/app/db', 'secret/', 'secret']) {
        const { status, body } = await probe(path, token);
        assert.equal([status, body.data?.path, body.data?.options], [200, 'secret/', { version: '2' }]);
      }
    });

  const blind: readonly string[] = [
    'path "secret/*" { capabilities = ["deny"] }',
    'path "other/data/x" { capabilities = ["read"] }',
    'path "secrets/*" { capabilities = ["read"] }',
    'path "+/+" { capabilities = ["deny"] }',
    'path "auth/+/x" { capabilities = ["read"] }',
  ];
  for (const policy of blind)
    test(`the question which mount a path is in is refused to a token with ${policy} in the words of a mount that is not there`, async () => {
      const token = await tokenWith(policy);
      const [there, absent] = [await probe('secret/app', token), await probe('nowhere/app', token)];
      assert.is(there.status, 403);
      assert.match(there.body.errors[0], 'preflight capability check returned 403');
      assert.equal([absent.status, absent.text.replace('nowhere', 'secret')], [there.status, there.text]);
    });

  test('the question which mount a path is in shows an auth method without auth/, and needs a token that lives', async () => {
    assert.is((await probe('auth/token/lookup-self')).body.data.path, 'token/');
    for (const token of [null, 'hvs.wrong']) {
      const reply = await node.call('GET', 'sys/internal/ui/mounts/secret/x', undefined, { token });
      assert.equal([reply.status, reply.body.errors], [403, ['permission denied']]);
    }
    refusedWith(await probe(''), 404, 'unsupported path');
  });

  test('the list of mounts holds what the caller reaches, and to those without a token what is meant to be seen', async () => {
    const token = await tokenWith('path "secret/data/x" { capabilities = ["read"] }');
    const { data } = (await calls.get('sys/internal/ui/mounts', token)).body;
    assert.equal([Object.keys(data.secret), data.auth], [['secret/'], {}]);
    const stranger = () => node.call('GET', 'sys/internal/ui/mounts', undefined, { token: null });
    assert.equal((await stranger()).body.data, { auth: {}, secret: {} });
    await calls.post('sys/mounts/secret/tune', { listing_visibility: 'unauth' });
    const seen = (await stranger()).body.data;
    assert.equal(Object.keys(seen.secret['secret/']).sort(), ['description', 'options', 'type']);
    await calls.post('sys/mounts/secret/tune', { listing_visibility: '' });
    assert.is((await calls.get('sys/internal/ui/mounts', 'hvs.wrong')).status, 403);
  });

  test('a caller is told their own rules', async () => {
    assert.equal((await calls.get('sys/internal/ui/resultant-acl')).body.data, { root: true });
    const token = await tokenWith(`path "secret/data/x" { capabilities = ["read", "update"] }
      path "secret/data/y/*" { capabilities = ["deny"] }
      path "sys/internal/ui/resultant-acl" { capabilities = ["read"] }`);
    assert.equal((await calls.get('sys/internal/ui/resultant-acl', token)).body.data, {
      exact_paths: {
        'secret/data/x': { capabilities: ['read', 'update'] },
        'sys/internal/ui/resultant-acl': { capabilities: ['read'] },
      },
      glob_paths: { 'secret/data/y/': { capabilities: ['deny'] } },
      root: false,
    });
  });

  test('a mount moves with all that is in it, on every node at once, and what became of it can be asked', async () => {
    const other = await cluster.newNode();
    await calls.post('secret/data/kept', { data: { v: 'same' } });
    const { status, body } = await calls.post('sys/remount', { from: 'secret/', to: 'team/secrets' });
    assert.is(status, 200, JSON.stringify(body));
    const id = body.data.migration_id;
    assert.is(body.migration_id, id);
    assert.is((await other.call('GET', 'team/secrets/data/kept')).body.data.data.v, 'same');
    refusedWith(await node.call('GET', 'secret/data/kept'), 404, 'no handler for route');
    assert.equal((await other.call('GET', `sys/remount/status/${id}`)).body.data, {
      migration_id: id,
      migration_info: { source_mount: 'secret/', target_mount: 'team/secrets/', status: 'success' },
    });
    assert.equal((await calls.get('sys/remount/status/nope')).body, { errors: [] });
    assert.is((await calls.post('sys/remount', { from: 'team/secrets', to: 'secret' })).status, 200);
    assert.equal((await calls.get('secret/metadata/?list=true')).body.data.keys, ['kept']);
  });

  const refused: readonly (readonly [fields: object, text: string])[] = [
    [{ from: 'nope', to: 'x' }, 'no matching mount at "nope/"'],
    [{ from: 'secret', to: 'cubbyhole' }, 'cannot remount "cubbyhole/"'],
    [{ from: 'sys', to: 'x' }, 'cannot remount "sys/"'],
    [{ from: 'secret', to: 'secret' }, 'path already in use at "secret/"'],
    [{ from: 'secret', to: 'secret/below' }, 'path already in use at "secret/below/"'],
    [{ from: 'secret', to: 'auth/x' }, '"auth/" begins both paths or neither'],
    [{ from: 'secret' }, "both 'from' and 'to' path must be specified as a string"],
  ];
  for (const [fields, text] of refused)
    test(`a mount does not move: ${text}`, async () => refusedWith(await calls.post('sys/remount', fields), 400, text));

  test('a mount goes to one place when two callers move it at once', async () => {
    const tries = await Promise.all(
      ['one', 'two', 'three'].map(to => calls.post('sys/remount', { from: 'secret', to })),
    );
    const moved = tries.filter(({ status }) => status === 200);
    assert.is(moved.length, 1, tries.map(({ text }) => text).join());
    const { mounts } = { mounts: Object.keys((await calls.get('sys/mounts')).body.data) };
    const now = mounts.filter(path => /^(?:one|two|three|secret)\/$/.test(path));
    assert.is(now.length, 1);
    assert.is((await calls.post('sys/remount', { from: now[0], to: 'secret' })).status, 200);
  });

  test('a mount moves only for a token with sudo', async () => {
    const token = await tokenWith('path "sys/remount" { capabilities = ["update"] }');
    refusedWith(await calls.post('sys/remount', { from: 'secret', to: 'x' }, token), 403, 'permission denied');
  });

  test('the node tells load balancers the status that they chose, and refuses one that is none', async () => {
    const health = (query: string) => node.call('GET', `sys/health?${query}`, undefined, { token: null });
    assert.is((await health('activecode=299&standbycode=299&sealedcode=299&uninitcode=299')).status, 299);
    const silent = await health('activecode=204');
    assert.equal([silent.status, silent.text], [204, '']);
    for (const query of ['activecode=', 'sealedcode=x', 'activecode=100', 'standbycode=7', 'uninitcode=600']) {
      const reply = await health(query);
      assert.equal([reply.status, reply.body], [400, { errors: [] }], query);
    }
    assert.is((await health('standbyok=true&perfstandbyok=true')).status, 200);
  });

  test('the node is the one member that it knows, and has nothing to step down from', async () => {
    const { data, nodes } = (await calls.get('sys/ha-status')).body;
    assert.equal(nodes, data.nodes);
    assert.is(nodes.length, 1);
    assert.is(nodes[0].active_node, true);
    assert.is((await node.call('PUT', 'sys/step-down')).status, 204);
    const token = await tokenWith('path "sys/step-down" { capabilities = ["update"] }');
    assert.is((await calls.post('sys/step-down', {}, token)).status, 403);
  });

  test('the node takes the pad off a root token for whoever has both', async () => {
    const [token, otp] = ['hvs.0123456789abcdefghijklmn', 'ABCDEFGHIJKLMNOPQRSTUVWXYZab'];
    const sealed = Buffer.from(Buffer.from(token).map((byte, i) => byte ^ otp.charCodeAt(i)));
    const encoded = sealed.toString('base64').replace(/=+$/, '');
    const decode = (fields: object) => node.call('POST', 'sys/decode-token', fields, { token: null });
    assert.equal((await decode({ encoded_token: encoded, otp })).body.data, { token });
    refusedWith(await decode({ encoded_token: encoded, otp: 'short' }), 400, 'do not belong together');
    refusedWith(await decode({ encoded_token: '%', otp }), 400, 'do not belong together');
    refusedWith(await decode({ otp }), 400, 'missing encoded_token');
    refusedWith(await decode({ encoded_token: encoded }), 400, 'missing otp');
  });

  test('audit devices are one: the ledger, which cannot be joined by others nor disabled', async () => {
    const { body } = await calls.get('sys/audit');
    assert.equal(Object.keys(body.data), ['ledger/']);
    assert.equal(body['ledger/'], body.data['ledger/']);
    assert.is(body.data['ledger/'].path, 'ledger/');
    refusedWith(
      await calls.post('sys/audit/file', { type: 'file', options: { file_path: '/tmp/x' } }),
      400,
      'cannot enable audit device via API',
    );
    refusedWith(await node.call('DELETE', 'sys/audit/ledger'), 400, 'cannot be disabled');
    assert.is((await node.call('DELETE', 'sys/audit/file')).status, 204);
    refusedWith(await calls.get('sys/audit/ledger'), 405, 'unsupported operation');
  });

  test('the trail holds nothing that happened after the token was revoked', async () => {
    const policy = 'path "sys/ledger/events" { capabilities = ["read"] }';
    await node.call('PUT', 'sys/policies/acl/late-auditor', { policy });
    const made = await node.call('POST', 'auth/token/create', { policies: ['late-auditor'] });
    const token: string = made.body.auth.client_token;
    const ask = () => node.call('GET', 'sys/ledger/events?type=secret.written', undefined, { token });
    assert.is((await ask()).status, 200);
    const later = () => node.call('POST', 'secret/data/after-the-auditor', { data: { v: 1 } });
    refusedWith(await revokedMeanwhile(node, token, later, ask), 403, 'permission denied');
  });

  test('audit devices hash a token as its event names it', async () => {
    const made = await node.call('POST', 'auth/token/create', { policies: ['default'] });
    const position = made.headers.get('x-tallystick-position');
    const { hash, data } = (await calls.post('sys/audit-hash/ledger', { input: made.body.auth.client_token })).body;
    assert.is(hash, data.hash);
    const trail = (await calls.get('sys/ledger/events?type=token.created')).body.data.events;
    const event = trail.find((each: { position: number }) => each.position === Number(position));
    assert.is(hash, `hmac-sha256:${event.change.token_hash}`);
    refusedWith(await calls.post('sys/audit-hash/nope', { input: 'x' }), 400, 'unknown audit backend "nope/"');
    refusedWith(await calls.post('sys/audit-hash/ledger', {}), 400, 'the "input" parameter is empty');
  });
});
