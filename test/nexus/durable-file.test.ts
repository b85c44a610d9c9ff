/** Lines that must survive: the one that is written now, whatever a crash left of the one before. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { uuidText } from '../../src/crypto/bytes.js';
import { randomBytes } from '../../src/crypto/random.js';
import { appendDurably } from '../../src/nexus/durable-file.js';
import { erasureKeysIn } from '../../src/nexus/erasure-keys.js';
import { describe } from '../support/describe.js';

describe('a file of lines', test => {
  let folder = '';
  test.before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallystick-lines-'));
  });
  test.after(() => rmSync(folder, { recursive: true, force: true }));

  test('keeps each line apart from what a crash left of the one before', async () => {
    const path = join(folder, 'lines');
    await appendDurably(path, 'one\n');
    await appendDurably(path, 'two\nthree\n');
    assert.is(readFileSync(path, 'utf8'), 'one\ntwo\nthree\n');
    writeFileSync(path, 'one\ntw');
    await appendDurably(path, 'three\n');
    assert.is(readFileSync(path, 'utf8'), 'one\ntw\nthree\n');
  });

  test('gives back an erasure key that was made after a torn line', async () => {
    const path = join(folder, 'erasure-keys');
    const ledger = randomBytes(16);
    writeFileSync(path, `1 ${uuidText(ledger).replaceAll('-', '')} 1 AQIDBAUGBwgJ`);
    const keys = erasureKeysIn({ kind: 'file', path });
    const made = await keys.make(ledger, 1, Date.now());
    assert.equal((await keys.read(ledger, [1])).get(1), made);
  });
});
