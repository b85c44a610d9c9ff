/** Signed notes and checkpoints: the vector of the format, everything that must be refused, and what is hashed for one. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { newestInclusionProof } from '../../src/crypto/batch-proof.js';
import { canonicalJson } from '../../src/crypto/canonical-json.js';
import { checkpointKeyOf } from '../../src/crypto/checkpoint-key.js';
import { appendLeaf, inclusionProof } from '../../src/crypto/merkle.js';
import {
  checkpointText,
  decodeCheckpoint,
  decodeVerifierKey,
  openNote,
  signNote,
  verifierKey,
} from '../../src/crypto/signed-note.js';
import { describe } from '../support/describe.js';
import { madeUpLeaves } from './support/tree.js';

const seed = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const key = { name: 'ledger.example/tally', publicKey: Buffer.from(checkpointKeyOf(seed), 'hex') };
const root = Buffer.from('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328', 'hex');
const text = checkpointText({ origin: key.name, size: 8, root });
const note = signNote(text, key, seed);

describe('a signed note', test => {
  test('has the bytes of the published vector', () => {
    assert.is(key.publicKey.toString('hex'), '03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8');
    assert.is(verifierKey(key), 'ledger.example/tally+909f5041+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4');
    assert.is(
      note,
      'ledger.example/tally\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n' +
        '— ledger.example/tally kJ9QQUazdBedcmzl3T/gweL/LyvzGioOphPXlDEJ7Y/E3w1pQnk1z52/7cV/PdvzQLwtiZHgtbNBTSQK73Nvoyy44QM=\n',
    );
  });

  test('opens to its text, which is the checkpoint that was signed', () => {
    assert.is(openNote(note, key), text);
    assert.equal(decodeCheckpoint(text), { origin: key.name, size: 8, root });
    assert.equal(decodeVerifierKey(verifierKey(key)), key);
  });

  test('does not open when a byte of it is another', () => {
    for (let at = 0; at < note.length; at += 1) {
      const changed = `${note.slice(0, at)}${note[at] === 'x' ? 'y' : 'x'}${note.slice(at + 1)}`;
      assert.is(openNote(changed, key), null, `character ${at}`);
    }
  });

  test('may have lines of other keys, but not only those, and not a wrong one of this', () => {
    const other = note.split('\n\n')[1] ?? '';
    const foreign = other.replace('ledger.example/tally', 'witness.example/w1');
    assert.is(openNote(`${note}${foreign}`, key), text);
    assert.is(openNote(`${text}\n${foreign}`, key), null);
    const wrong = signNote(`${text}more\n`, key, seed).split('\n\n')[1] ?? '';
    assert.is(openNote(`${note}${wrong}`, key), null);
  });

  test('cannot hold control characters, and ends in a line feed', () => {
    for (const bad of ['a', 'a\u0007\n', 'a\r\n', '\t\n'])
      assert.throws(() => signNote(bad, key, seed), RangeError.name);
  });

  test('has a key whose id is its own', () => {
    assert.is(decodeVerifierKey(verifierKey(key).replace('909f5041', '909f5042')), null);
    assert.is(decodeVerifierKey('ledger.example/tally'), null);
  });
});

describe('a proof from a frontier', test => {
  test('is the proof that all leaves give, for every place in every batch', () => {
    const leaves = madeUpLeaves(40);
    for (let size = 0; size < 33; size += 1) {
      let frontier: Buffer[] = [];
      for (let i = 0; i < size; i += 1) frontier = appendLeaf(frontier, i, leaves[i] ?? Buffer.alloc(32));
      for (const end of [size + 1, size + 2, size + 7])
        for (let index = size; index < end; index += 1)
          assert.equal(
            newestInclusionProof(frontier, size, leaves.slice(size, end), index),
            inclusionProof(leaves, index, end),
            `${size} + ${end - size}, leaf ${index}`,
          );
    }
  });

  test('is refused for an older leaf and for a frontier of another size', () => {
    const leaves = madeUpLeaves(4);
    assert.throws(() => newestInclusionProof(leaves.slice(0, 1), 1, leaves.slice(1), 0), /no such leaf/);
    assert.throws(() => newestInclusionProof(leaves.slice(0, 2), 1, leaves.slice(1), 1), /does not fit/);
    assert.throws(() => newestInclusionProof([], 2, leaves.slice(2), 2), /does not fit/);
  });
});

describe('a canonical document', test => {
  test('is the same text however its members were ordered', () => {
    assert.is(
      canonicalJson({ b: [1, null, 'ü"\n'], a: { d: true, c: -0 } }),
      '{"a":{"c":0,"d":true},"b":[1,null,"ü\\"\\n"]}',
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.oneof(fc.integer(), fc.string(), fc.boolean())), value => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        assert.is(canonicalJson(reversed), canonicalJson(value));
        assert.equal(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('holds nothing that has no one text', () => {
    for (const bad of [1.5, Number.NaN, undefined, 2 ** 60, () => 1]) assert.throws(() => canonicalJson([bad]));
  });
});
