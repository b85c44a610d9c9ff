/** A new root key, new shares, and the end of a header epoch, killed with -9 on either side of the commit: all of it happened, or nothing. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { holdAt, isHeld, letGo, superuser } from '../crash/rotation.js';
import {
  type Acknowledged,
  call,
  checkAcknowledged,
  checkLedger,
  ended,
  type Running,
  start,
  writer,
} from '../crash/server.js';
import type { Json } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';

describe('killed with -9', test => {
  let folder: string;
  let server: Running;
  const acknowledged: Acknowledged = new Map();

  const data = async (path: string): Promise<Json> => {
    const answer: Json = await (await call(server, 'GET', path)).json();
    return answer.data;
  };
  const generations = async (): Promise<readonly number[]> =>
    (await data('sys/ledger/slots')).slots.map(({ root_generation }: Json) => root_generation);
  const rotate = async (): Promise<number> => {
    const key_file = readFileSync(join(folder, 'dev.key')).toString('hex');
    return (await call(server, 'POST', 'sys/ledger/root-key', { key_file })).status;
  };
  /** Writes go on until `happened`; then it is killed, and started again without a hand. */
  const killedWhen = async (happened: () => Promise<unknown>): Promise<void> => {
    let going = true;
    const writers = Array.from({ length: 3 }, (_, i) => writer(server, `w${i}`, acknowledged, () => going));
    await happened();
    server.child.kill('SIGKILL');
    going = false;
    await Promise.all([ended(server.child), ...writers]);
    server = await start(folder);
    await letGo(folder);
    await checkAcknowledged(server, acknowledged);
  };

  test.before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tallystick-root-'));
    server = await start(folder);
  });
  test.after(async () => {
    server.child.kill('SIGTERM');
    await ended(server.child);
    rmSync(folder, { recursive: true, force: true });
  });

  test('a rotation of the root key before its commit has changed nothing, and can be done again', async () => {
    await holdAt(folder, `before insert on events for each row when (new.type = 'keystore.changed')`);
    const watch = await superuser(folder);
    await killedWhen(async () => {
      void rotate().catch(() => undefined);
      await until('it is about to be recorded', () => isHeld(watch));
    });
    await watch.end().catch(() => undefined);
    assert.equal(await generations(), [1]);
  });

  test('a rotation of the root key after its commit has changed everything, and the term follows by itself', async () => {
    await killedWhen(async () => assert.is(await rotate(), 200));
    assert.equal(await generations(), [2]);
    await until('the term is rotated', async () => (await data('sys/ledger/keys')).term === 2);
    await checkAcknowledged(server, acknowledged);
    await checkLedger(server);
  });

  test('a retirement of header epochs before its commit has changed nothing; after it the server starts from its snapshot', async () => {
    const states = async (): Promise<readonly string[]> =>
      (await data('sys/ledger/epochs')).epochs.map(({ state }: Json) => state);
    const retire = async (): Promise<number> => (await call(server, 'POST', 'sys/ledger/epochs/retire', {})).status;
    await call(server, 'POST', 'sys/ledger/epochs', { keep: '0s' });
    await holdAt(folder, `before insert on events for each row when (new.type = 'epoch.retired')`);
    const watch = await superuser(folder);
    await killedWhen(async () => {
      void retire().catch(() => undefined);
      await until('it is about to be recorded', () => isHeld(watch));
    });
    await watch.end().catch(() => undefined);
    assert.equal(new Set(await states()), new Set(['closed', 'current']));
    await killedWhen(async () => assert.is(await retire(), 200));
    assert.equal(new Set(await states()), new Set(['retired', 'current']));
    await checkAcknowledged(server, acknowledged);
  });

  test('a rekey before its commit leaves the shares that there were; after it the new ones open, and those no more', async () => {
    const post = async (path: string, fields: Json): Promise<Json> => (await call(server, 'POST', path, fields)).json();
    const split = { secret_shares: 3, secret_threshold: 2 };
    /** The answer to the last share that is needed. */
    const rekeyed = async (keys: readonly string[]): Promise<Json> => {
      const { nonce } = await post('sys/rekey/init', split);
      await post('sys/rekey/update', { nonce, key: keys[0] });
      return post('sys/rekey/update', { nonce, key: keys[1] });
    };
    const first: readonly string[] = (await post('sys/ledger/slots', { kind: 'shares', name: 'team', ...split })).data
      .keys;
    await holdAt(folder, `before insert on events for each row when (new.type = 'keystore.changed')`);
    const watch = await superuser(folder);
    await killedWhen(async () => {
      void rekeyed(first).catch(() => undefined);
      await until('it is about to be recorded', () => isHeld(watch));
    });
    await watch.end().catch(() => undefined);
    let second: readonly string[] = [];
    await killedWhen(async () => {
      const done = await rekeyed(first);
      assert.is(done.complete, true, 'the shares that there were still open');
      second = done.keys;
    });
    assert.ok((await rekeyed(first)).errors, 'they open nothing any more');
    await call(server, 'DELETE', 'sys/rekey/init');
    assert.is((await rekeyed(second)).complete, true);
    await checkAcknowledged(server, acknowledged);
    await checkLedger(server);
  });
});
