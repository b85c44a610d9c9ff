/** Ids that keys make: an idempotency key belongs to its caller, method and path; a token is stored as nothing but a hash. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { checkpointKeyOf } from '../../src/crypto/checkpoint-key.js';
import { dayKey, dayOf } from '../../src/crypto/day-key.js';
import { type IdempotentRequest, idempotentEventId, secretIdHash, tokenHash } from '../../src/crypto/ids.js';
import { loginVerifier, slotKek } from '../../src/crypto/slot-key.js';
import { erasureCheck, wrappingKey } from '../../src/crypto/term.js';
import { describe } from '../support/describe.js';
import * as given from './support/given.js';
import { hex, ledger, seq } from './support/given.js';

const request: IdempotentRequest = { actor: given.actor, method: 'POST', node: given.db, key: 'abc', index: 0 };
const idOf = (change: Partial<IdempotentRequest>): string =>
  idempotentEventId(given.eventIdKey, ledger, { ...request, ...change });

const allDiffer = (values: readonly (string | Buffer)[]): void => {
  const texts = values.map(value => (typeof value === 'string' ? value : hex(value)));
  assert.is(new Set(texts).size, texts.length);
};

describe('the event id of an idempotency key', test => {
  test('is marked version 8, variant 10, whatever the key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 255 }), fc.nat(), (key, index) => {
        assert.match(idOf({ key, index }), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      }),
    );
  });

  test('differs by caller, method, path, key, index, ledger and server', () => {
    allDiffer([
      idOf({}),
      idOf({ actor: given.db }),
      idOf({ method: 'PUT' }),
      idOf({ node: given.team }),
      idOf({ actor: given.db, node: given.actor }),
      idOf({ key: 'abd' }),
      idOf({ key: '' }),
      idOf({ index: 1 }),
      idempotentEventId(given.eventIdKey, seq(1, 16), request),
      idempotentEventId(seq(1, 32), ledger, request),
    ]);
  });
});

describe('a token hash', test => {
  test('differs by token, key and ledger', () => {
    allDiffer([
      tokenHash(given.tokenKey, ledger, 'hvs.a'),
      tokenHash(given.tokenKey, ledger, 'hvs.b'),
      tokenHash(given.tokenKey, seq(1, 16), 'hvs.a'),
      tokenHash(seq(1, 32), ledger, 'hvs.a'),
    ]);
  });

  test('of a text that is too long for a token is that of none, and no error', () => {
    assert.equal(tokenHash(given.tokenKey, ledger, 'x'.repeat(256)), Buffer.alloc(32));
    assert.not.equal(tokenHash(given.tokenKey, ledger, 'x'.repeat(255)), Buffer.alloc(32));
  });
});

describe('the keyed hash of a secret id', test => {
  test('differs by secret id, role, ledger and key, and is not that of a token', () => {
    allDiffer([
      secretIdHash(given.tokenKey, ledger, given.db, 'a'),
      secretIdHash(given.tokenKey, ledger, given.db, 'b'),
      secretIdHash(given.tokenKey, ledger, given.actor, 'a'),
      secretIdHash(given.tokenKey, seq(1, 16), given.db, 'a'),
      secretIdHash(seq(1, 32), ledger, given.db, 'a'),
      tokenHash(given.tokenKey, ledger, 'a'),
    ]);
  });

  test('of a text that is too long is that of none, and no error', () => {
    assert.equal(secretIdHash(given.tokenKey, ledger, given.db, 'x'.repeat(256)), Buffer.alloc(32));
  });
});

describe('a derived key', test => {
  test('of a day differs by day, epoch, header key and ledger', () => {
    allDiffer([
      dayKey(given.headerKey, ledger, 1, 2),
      dayKey(given.headerKey, ledger, 1, 3),
      dayKey(given.headerKey, ledger, 2, 1),
      dayKey(seq(1, 32), ledger, 1, 2),
      dayKey(given.headerKey, seq(1, 16), 1, 2),
    ]);
  });

  test('of a day begins and ends with the UTC day', () => {
    const midnight = 20_000 * 86_400_000_000;
    assert.equal([dayOf(midnight - 1), dayOf(midnight), dayOf(midnight + 86_399_999_999)], [19_999, 20_000, 20_000]);
  });

  test('of a term needs E and W, and the check value is no part of it', () => {
    allDiffer([
      wrappingKey(given.erasureKey, ledger, 3, given.share),
      wrappingKey(given.erasureKey, ledger, 4, given.share),
      wrappingKey(Buffer.alloc(32), ledger, 3, given.share),
      wrappingKey(given.erasureKey, ledger, 3, Buffer.alloc(32)),
      wrappingKey(given.erasureKey, seq(1, 16), 3, given.share),
      erasureCheck(given.erasureKey, ledger, 3),
      erasureCheck(given.erasureKey, ledger, 4),
      erasureCheck(Buffer.alloc(32), ledger, 3),
    ]);
  });

  test('of a slot is one thing, its login verifier another', () => {
    allDiffer([
      slotKek(given.ikm, ledger, given.slotId),
      loginVerifier(given.ikm, ledger, given.slotId),
      slotKek(given.ikm, ledger, given.actor),
      loginVerifier(given.ikm, ledger, given.actor),
      slotKek(given.ikm, seq(1, 16), given.slotId),
    ]);
  });
});

describe('the checkpoint key', test => {
  test('of the published seed is the published one', () => {
    assert.is(checkpointKeyOf(seq(0, 32)), '03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8');
    assert.is(
      checkpointKeyOf(Buffer.alloc(32, 0x42)),
      '2152f8d19b791d24453242e15f2eab6cb7cffa7b6a5ed30097960e069881db12',
    );
  });

  test('is not made of a seed of another length', () => {
    for (const length of [0, 31, 33]) assert.throws(() => checkpointKeyOf(Buffer.alloc(length)), /32 bytes/);
  });
});
