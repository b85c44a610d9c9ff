/** Markers are planted as path, key name, value, reason, password and token; then every place that they could leak to is searched. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import * as assert from 'uvu/assert';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

let cluster: TestCluster;
const MARKER = 'zq7canary';
const PASSWORD = `${MARKER}-password-of-an-admin`;

const everyTable = async (): Promise<string> => {
  const { host, port, database, user, password } = cluster.db.connection;
  const client = new pg.Client({ host, port, database, user, password });
  await client.connect();
  const { rows } = await client.query(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname like 'tallystick%'`,
  );
  let dump = '';
  for (const { name } of rows) dump += JSON.stringify((await client.query(`select t::text from ${name} t`)).rows);
  await client.end();
  return dump;
};

/** As text, and as the hex and base64 that dumps show bytes in. */
const shows = (text: string, marker: string): boolean =>
  [marker, Buffer.from(marker).toString('hex'), Buffer.from(marker).toString('base64').slice(0, -4)].some(shape =>
    text.includes(shape),
  );

describe('a planted marker', test => {
  const answers: string[] = [];
  /** Of logins: passwords, secret ids, tokens. */
  const credentials: string[] = [];
  let auditorToken = '';

  test.before(async () => {
    cluster = await testCluster();
    const { node } = cluster;
    const note = async (...args: Parameters<typeof node.call>): Promise<void> => {
      const reply = await node.call(...args);
      if (reply.status >= 400) answers.push(reply.text);
    };
    const headers = { 'x-tallystick-reason': `${MARKER} reason`, 'user-agent': `${MARKER} agent` };
    await note('POST', `secret/data/${MARKER}/path`, { data: { [`${MARKER}-name`]: `${MARKER}-value` } }, { headers });
    await note('POST', `secret/metadata/${MARKER}/path`, { custom_metadata: { [MARKER]: MARKER } });
    await note('POST', `secret/data/${MARKER}/path`, { data: { v: MARKER }, options: { cas: MARKER } });
    await note('POST', `secret/data/${MARKER}/path`, `{"data": ${MARKER}`);
    await note('GET', `secret/data/${MARKER}/nothing`, undefined, { token: `hvs.${MARKER}` });
    await note('GET', `${MARKER}/${MARKER}`);
    await note('POST', `auth/userpass/users/second`, { password: PASSWORD, policies: 'root' });
    await note('POST', `auth/userpass/login/second`, { password: `${MARKER} wrong` });
    await note('POST', `auth/userpass/login/${MARKER}`, { password: PASSWORD });
    await note('POST', 'sys/auth/people', { type: 'userpass' });
    await note('POST', `auth/people/users/${MARKER}`, { password: PASSWORD, token_policies: MARKER });
    for (const password of [PASSWORD, `${MARKER} wrong`])
      credentials.push(
        (await node.call('POST', `auth/people/login/${MARKER}`, { password })).body.auth?.client_token ?? password,
      );
    await note('POST', 'sys/auth/machines', { type: 'approle' });
    const role = `auth/machines/role/${MARKER}`;
    await note('POST', role, { role_id: `${MARKER}-role-id` });
    await note('POST', `${role}/custom-secret-id`, { secret_id: `${MARKER}-secret-id`, metadata: `{"a":"${MARKER}"}` });
    const { secret_id } = (await node.call('POST', `${role}/secret-id`, {})).body.data;
    credentials.push(secret_id);
    for (const sent of [`${MARKER}-secret-id`, secret_id, `${MARKER}-wrong`])
      await note('POST', 'auth/machines/login', { role_id: `${MARKER}-role-id`, secret_id: sent });
    await note('POST', 'auth/machines/login', { role_id: `${MARKER}-nobody`, secret_id });
    await note('POST', 'sys/ledger/restore/plan', { mount: 'secret', path: `${MARKER}/`, at: MARKER });
    await note('DELETE', `secret/data/${MARKER}/path`);
    const made = await node.call('POST', 'auth/token/create', { policies: ['auditor'], display_name: MARKER });
    auditorToken = made.body.auth.client_token;
    await node.program.nexus.session?.recorder.flush();
    await node.call('GET', `secret/metadata/${MARKER}?list=true`);
  });

  test('is in no table of the database', async () => {
    const dump = await everyTable();
    assert.ok(shows(dump, 'secret.written'), 'the search finds what is in the clear');
    for (const marker of [MARKER, PASSWORD, cluster.rootToken, auditorToken, cluster.key, ...credentials])
      assert.not.ok(shows(dump, marker));
  });

  test('is in no line of the log', () => {
    const log = cluster.node.log.join('');
    for (const marker of [MARKER, cluster.rootToken, cluster.key, ...credentials]) assert.not.ok(log.includes(marker));
  });

  test('is in no error body', () => {
    assert.ok(answers.length >= 8, `${answers.length} refusals`);
    // A route that does not exist is quoted by the dialect to whoever may see it: a path that was asked for, not a stored one.
    for (const answer of answers.filter(text => !text.includes('no handler for route')))
      assert.not.ok(answer.includes(MARKER), answer);
  });

  test('is in no metric', async () => {
    const metrics = await cluster.node.call('GET', 'sys/metrics');
    assert.is(metrics.status, 200);
    assert.match(metrics.text, 'tallystick_append_events_total');
    assert.not.ok(metrics.text.includes(MARKER));
  });

  test('is in no file of the data folder', () => {
    for (const name of readdirSync(cluster.node.folder, { recursive: true, encoding: 'utf8' })) {
      let content = '';
      try {
        content = readFileSync(join(cluster.node.folder, name), 'latin1');
      } catch {
        continue;
      }
      assert.not.ok(shows(content, MARKER), name);
    }
  });

  test('cannot be obtained as a value by an auditor, by any route', async () => {
    const { node } = cluster;
    const token = auditorToken;
    const tries: readonly (readonly [string, string, unknown?])[] = [
      ['GET', `secret/data/${MARKER}/path?version=1`],
      ['GET', `secret/data/${MARKER}/path?position=20`],
      ['POST', 'sys/ledger/restore/plan', { mount: 'secret', path: `${MARKER}/`, position: 15 }],
      ['POST', `secret/undelete/${MARKER}/path`, { versions: [1] }],
      ['POST', 'auth/token/create', { policies: ['root'] }],
      ['POST', 'sys/seal'],
      ['POST', 'sys/ledger/projections/secrets/rebuild', {}],
    ];
    for (const [method, path, body] of tries) {
      const reply = await node.call(method, path, body, { token });
      assert.is(reply.status, 403, `${method} ${path}: ${reply.status}`);
      assert.not.ok(reply.text.includes(`${MARKER}-value`));
    }
    for (const path of [
      `secret/metadata/${MARKER}/path`,
      `secret/metadata/${MARKER}?list=true`,
      'sys/ledger/events',
      'sys/ledger/head',
      'sys/metrics',
    ]) {
      const reply = await node.call('GET', path, undefined, { token });
      assert.is(reply.status, 200, `${path}: ${reply.status} ${reply.text}`);
      assert.not.ok(reply.text.includes(`${MARKER}-value`));
    }
  });
});
