/** Mounts, patches and recursive lists from the command line, against a whole server. */
import * as assert from 'uvu/assert';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { type Home, newHome, type Ran, tally } from './support/tally.js';

let cluster: TestCluster;
let home: Home;

const run = (args: readonly string[], input?: string): Promise<Ran> =>
  tally(args, {
    home: home.folder,
    env: { TALLYSTICK_ADDR: cluster.node.address, TALLYSTICK_TOKEN: cluster.rootToken },
    ...(input === undefined ? {} : { input }),
  });

/** What it printed, without the position, which is another one each time. */
const done = async (args: readonly string[], input?: string): Promise<string> => {
  const ran = await run(args, input);
  assert.is(ran.code, 0, ran.stderr);
  return ran.stdout.replace(/ledger position \d+/g, 'ledger position N');
};

describe('tally with mounts', test => {
  test.before(async () => {
    cluster = await testCluster();
    home = await newHome();
  });
  test.after(async () => {
    await home.remove();
    await cluster.stop();
  });

  test('enables, lists, tunes and disables them', async () => {
    const enabled = await done(['mount', 'enable', 'team/secrets', '--description', 'of a team']);
    assert.is(enabled, 'team/secrets/ enabled · ledger position N\n');
    await done(['mount', 'enable', 'plain', '--type', 'kv-v1']);
    assert.is(await done(['mount', 'tune', 'plain', '--description', 'x']), 'plain/ tuned · ledger position N\n');
    const listed = await done(['mount', 'list']);
    assert.match(listed, /team\/secrets\/ +kv +2 +of a team/);
    assert.match(listed, /plain\/ +kv +1 +x/);
    await cluster.node.call('POST', 'sys/mounts/gone', { type: 'kv' });
    assert.is(await done(['mount', 'disable', 'gone']), 'gone/ disabled · ledger position N\n');
    assert.is(await done(['mount', 'disable', 'gone']), 'nothing is mounted at gone/\n');
  });

  test('shows and changes what holds for all secrets of one', async () => {
    await done(['mount', 'config', 'team/secrets', '--max-versions', '3', '--delete-version-after', '768h']);
    const shown = await done(['mount', 'config', 'team/secrets']);
    assert.match(shown, /Max versions +3/);
    assert.match(shown, /Deletes versions after +768h0m0s/);
  });

  test('has no settings for a mount without versions, where config is a secret', async () => {
    const ran = await run(['mount', 'config', 'plain', '--max-versions', '3']);
    assert.is(ran.code, 3);
    assert.match(ran.stderr, /plain\/ is no mount with versions/);
    assert.is((await cluster.node.call('GET', 'plain/config')).status, 404);
  });

  test('patches fields and removes them, the others untouched', async () => {
    await cluster.node.call('POST', 'team/secrets/data/db', '{"data":{"user":"a","port":5432.0,"old":1}}');
    const patched = await done(['patch', 'team/secrets/db', 'password=-', '--remove', 'old', '--cas', '1'], 'pw');
    assert.is(patched, 'team/secrets/db version 2 written · ledger position N\n');
    const { text } = await cluster.node.call('GET', 'team/secrets/data/db');
    assert.match(text, '"data":{"user":"a","port":5432.0,"password":"pw"}');
    assert.is((await run(['patch', 'team/secrets/db', '--remove', 'user', '--cas', '1'])).code, 6);
    assert.is((await run(['patch', 'team/secrets/nothing', 'a=-'], 'x')).code, 5);
    assert.is((await run(['patch', 'team/secrets/db', 'a=-', '--remove', 'a'], 'x')).code, 3);
  });

  test('puts, gets, lists and deletes in a mount without versions, and says what is not there', async () => {
    assert.is(await done(['put', 'plain/app', 'n=-'], '1'), 'plain/app written · ledger position N\n');
    assert.is(await done(['get', 'plain/app', '--field', 'n']), '1');
    assert.match(await done(['get', 'plain/app']), /^plain\/app · as of ledger position N\n/);
    assert.is(await done(['list', 'plain/']), 'app\n');
    for (const args of [
      ['get', 'plain/app', '--version', '1'],
      ['delete', 'plain/app', '--versions', '1'],
      ['patch', 'plain/app', 'n=1'],
    ])
      assert.is((await run(args)).code, 3, args.join(' '));
    await done(['delete', 'plain/app']);
    assert.is((await cluster.node.call('GET', 'plain/app')).status, 404);
  });

  test('lists everything below a folder, in parts', async () => {
    for (const name of ['a', 'b/c', 'b/d/e'])
      await cluster.node.call('POST', `team/secrets/data/tree/${name}`, { data: { v: 1 } });
    assert.is(await done(['list', 'team/secrets/tree', '--recursive']), 'a\nb/c\nb/d/e\n');
    assert.is(await done(['list', 'team/secrets/tree', '--recursive', '--after', 'a', '--limit', '1']), 'b/c\n');
  });
});
