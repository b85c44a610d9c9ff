/** Records that cannot be appended, and a session that ends meanwhile: nothing is sealed with keys that are gone. */
import * as assert from 'uvu/assert';
import { randomBytes } from '../../src/crypto/random.js';
import { E } from '../../src/fp.js';
import { Custody } from '../../src/keys/custody.js';
import { newKeyring } from '../../src/keys/keyring.js';
import type { Command } from '../../src/ledger/command.js';
import { Recorder } from '../../src/nexus/recorder.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';

const custodyOf = (): Custody => {
  const custody = new Custody(randomBytes(16), randomBytes(32), newKeyring(0, 1), new Map());
  custody.addEpoch(1, randomBytes(32));
  return custody;
};
const record = { v: 1, at: Date.now() * 1000, op: 'auth.login', outcome: 'denied' } as const;

describe('the recorder', test => {
  test('of a session that ended while the database was away seals nothing any more', async () => {
    const custody = custodyOf();
    const asked: Command<null, unknown>[] = [];
    let refuse: () => void = () => undefined;
    const refused = new Promise<void>(resolve => {
      refuse = resolve;
    });
    const away = {
      submit: async <R>(command: Command<null, R>) => {
        asked.push(command);
        await refused;
        return E.left({ kind: 'database-unavailable', during: 'append', cause: null } as const);
      },
    };
    const failures: unknown[] = [];
    const recorder = new Recorder<null>(custody, away, Date.now, cause => failures.push(cause));
    recorder.record(record);
    await until('its second is over', () => asked.length === 1);
    const closing = recorder.close();
    recorder.record(record);
    refuse();
    await closing;
    custody.wipe();
    const [attempts, known] = [asked.length, failures.length];
    assert.is(known, attempts, 'each attempt is told of');
    await new Promise(resolve => setTimeout(resolve, 1100));
    assert.equal([asked.length, failures.length], [attempts, known]);
    recorder.record(record);
    await recorder.flush();
  });
});
