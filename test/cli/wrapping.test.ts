/** `tally wrap`, `tally unwrap` and `tally get --wrap-ttl`, against a real server. */
import * as assert from 'uvu/assert';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { type Home, newHome, type Ran, tally } from './support/tally.js';

describe('tally wrap and unwrap', test => {
  let cluster: TestCluster;
  let home: Home;
  const run = (args: readonly string[], input = '', token: string | null = cluster.rootToken): Promise<Ran> =>
    tally(args, {
      ...{ home: home.folder, input },
      env: { TALLYSTICK_ADDR: cluster.node.address, ...(token === null ? {} : { TALLYSTICK_TOKEN: token }) },
    });
  const unwrap = (token: string, args: readonly string[] = [], own: string | null = null): Promise<Ran> =>
    run(['unwrap', '--token-file', '-', ...args], token, own);
  const tokenIn = ({ stdout }: Ran): string => /token +(hvs\.\w+)/.exec(stdout)?.[1] ?? '';

  test.before(async () => {
    cluster = await testCluster();
    home = await newHome();
    await cluster.node.call('POST', 'secret/data/db', { data: { password: 'hünter2', n: 1 } });
  });
  test.after(async () => {
    await home.remove();
    await cluster.stop();
  });

  test('hand over values that come by stdin, to somebody without a login, once', async () => {
    const wrapped = await run(['wrap', 'key=-', '--ttl', '90s', '--reason', 'first day'], 'open sesame');
    assert.is(wrapped.code, 0, wrapped.stderr);
    assert.match(wrapped.stdout, /for +90 seconds, once\n/);
    assert.match(wrapped.stdout, /from +sys\/wrapping\/wrap\n/);
    assert.not.match(wrapped.stdout, 'sesame');
    const token = tokenIn(wrapped);
    const taken = await unwrap(token, ['--field', 'key']);
    assert.equal([taken.code, taken.stdout], [0, 'open sesame'], taken.stderr);
    const again = await unwrap(token);
    assert.equal([again.code, again.stdout], [3, '']);
    assert.match(again.stderr, 'wrapping token is not valid or does not exist');
    assert.not.match(again.stderr, token);
  });

  test('hand over a secret that the one who wraps it never sees', async () => {
    const wrapped = await run(['get', 'secret/db', '--wrap-ttl', '10m']);
    assert.match(wrapped.stdout, /from +secret\/data\/db\n/);
    assert.not.match(wrapped.stdout, 'hünter2');
    const taken = await unwrap(tokenIn(wrapped), [], cluster.rootToken);
    assert.match(taken.stdout, /password +hünter2\n/);
  });

  test('print JSON for scripts, and all of it where the field is not there', async () => {
    const made = await run(['get', 'secret/db', '--wrap-ttl', '60', '--json']);
    const { wrap_info: info } = JSON.parse(made.stdout);
    assert.equal([info.ttl, info.creation_path], [60, 'secret/data/db']);
    const taken = await unwrap(info.token, ['--field', 'nothing']);
    assert.is(taken.code, 5);
    assert.is(JSON.parse(taken.stdout).data.data.password, 'hünter2');
    assert.match(taken.stderr, 'this is all of it');
  });

  test('say what a duration looks like', async () => {
    for (const ttl of ['soon', '0', '-1', '1w']) {
      const ran = await run(['get', 'secret/db', `--wrap-ttl=${ttl}`]);
      assert.is(ran.code, 3, ttl);
      assert.match(ran.stderr, '90s, 10m, 1h30m');
    }
  });
});
