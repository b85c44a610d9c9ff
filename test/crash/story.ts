/**
 * A server under write load, killed with -9 (or its PostgreSQL), started again without a hand: every acknowledged write is
 * there, positions have no gaps, projections equal replay.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  type Acknowledged,
  checkAcknowledged,
  checkLedger,
  ended,
  type Running,
  sleep,
  start,
  writer,
} from './server.js';

export type Victim = 'server' | 'postgres';

export const killRepeatedly = async (victim: Victim, rounds: number): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-crash-'));
  const acknowledged: Acknowledged = new Map();
  let server: Running | null = null;
  try {
    let size = 0;
    for (let round = 0; round < rounds; round += 1) {
      server = await start(folder);
      const running = server;
      let going = true;
      const writers = Array.from({ length: 8 }, (_, i) => writer(running, `w${i}`, acknowledged, () => going));
      await sleep(150 + Math.random() * 600);
      if (victim === 'server') running.child.kill('SIGKILL');
      else process.kill(running.postmaster, 'SIGKILL');
      await sleep(50);
      going = false;
      await ended(running.child);
      await Promise.all(writers);
      server = await start(folder);
      await checkAcknowledged(server, acknowledged);
      const now = await checkLedger(server);
      assert.ok(now >= size, 'the ledger only grows');
      size = now;
      server.child.kill('SIGTERM');
      await ended(server.child);
      assert.is(server.child.exitCode, 0, 'a clean stop after a crash');
    }
    const writes = [...acknowledged.values()].reduce((sum, all) => sum + all.length, 0);
    assert.ok(writes > rounds, `there was a load (${writes} acknowledged writes)`);
  } finally {
    server?.child.kill('SIGTERM');
    if (server !== null) await Promise.race([ended(server.child), sleep(15_000)]);
    rmSync(folder, { recursive: true, force: true });
  }
};
