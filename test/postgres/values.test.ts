/** The small pure parts: how values arrive, what errors say, how long one waits, how a password is stored. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { backoffMs } from '../../src/postgres/backoff.js';
import { DatabaseError, databaseError } from '../../src/postgres/errors.js';
import { scramVerifier } from '../../src/postgres/scram.js';
import { clientTypes, microseconds } from '../../src/postgres/types.js';
import { anyRow, query } from '../../src/sql.js';
import { testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';

describe('a value from the database', test => {
  test('that is a timestamp is read to the microsecond, in any zone', () => {
    assert.is(microseconds('2025-11-24 16:00:00+00'), 1_764_000_000_000_000);
    assert.is(microseconds('2025-11-24 16:00:00.000001+00'), 1_764_000_000_000_001);
    assert.is(microseconds('2025-11-24 16:00:00.12+00'), 1_764_000_000_120_000);
    assert.is(microseconds('2025-11-24 21:30:00+05:30'), 1_764_000_000_000_000);
    assert.is(microseconds('2025-11-24 08:00:00-08'), 1_764_000_000_000_000);
    assert.is(microseconds('1969-12-31 23:59:59.999999+00'), -1);
    for (const bad of ['infinity', '-infinity', '0044-03-15 00:00:00+00 BC', '0099-01-01 00:00:00+00', ''])
      assert.throws(() => microseconds(bad), RangeError);
    assert.throws(() => microseconds('9999-12-31 00:00:00+00'), RangeError);
  });

  test('that is a bigint is a safe integer, or refused', () => {
    const parse = clientTypes.getTypeParser(20, 'text');
    fc.assert(fc.property(fc.maxSafeInteger(), n => parse(String(n)) === n));
    assert.throws(() => parse('9007199254740993'), RangeError);
    assert.throws(() => parse('-9223372036854775808'), RangeError);
  });

  test('that cannot be held rejects the query and not the connection', async () => {
    const { writer } = await (await testDatabase()).open();
    const wide = query(null, anyRow, 'select 9007199254740993::int8 as n');
    const error = await writer.run(wide).catch((failure: DatabaseError) => failure);
    assert.instance(error, DatabaseError);
    assert.not((error as DatabaseError).connectionLost);
  });
});

describe('an error of the database', test => {
  const served = (code: string, severity = 'ERROR') =>
    databaseError(
      Object.assign(new Error('says marker'), { code, severity, detail: 'Key (a)=(marker)', constraint: 'a_rule' }),
    );

  test('keeps state and constraint, and drops what may quote a value', () => {
    const refused = served('23505');
    assert.is(refused.sqlstate, '23505');
    assert.is(refused.constraint, 'a_rule');
    assert.not.match(JSON.stringify(refused, Object.getOwnPropertyNames(refused)), 'marker');
    assert.not.match(served('22P02').message, 'marker');
    assert.match(served('42P01').message, 'says marker');
  });

  test('knows when the connection is lost, and its outcome with it', () => {
    for (const state of ['57P01', '25P03', '08006']) assert.ok(served(state).connectionLost, state);
    assert.ok(served('53300', 'FATAL').connectionLost);
    assert.ok(databaseError(Object.assign(new Error('read'), { code: 'ECONNRESET' })).connectionLost);
    assert.ok(databaseError(new Error('Query read timeout')).connectionLost);
    assert.ok(databaseError('what?').connectionLost);
    for (const state of ['23505', '40001', '57014', '55P03']) assert.not(served(state).connectionLost, state);
    assert.not(databaseError(new RangeError('x')).connectionLost);
  });

  test('that is one already stays as it is', () => {
    const error = new DatabaseError('x', { sqlstate: '40000' });
    assert.is(databaseError(error), error);
  });
});

describe('waiting for a database that is away', test => {
  test('doubles from a tenth of a second to five, and is spread', () => {
    for (let attempt = 1; attempt < 60; attempt += 1) {
      const whole = Math.min(5000, 100 * 2 ** (attempt - 1));
      const waits = Array.from({ length: 20 }, () => backoffMs(attempt));
      assert.ok(waits.every(ms => ms >= whole / 2 && ms <= whole));
      assert.ok(new Set(waits).size > 1);
    }
  });
});

describe('a password of a database login', test => {
  test('is stored as RFC 7677 has it', () => {
    assert.is(
      scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')),
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    );
  });

  test('has a salt of its own, and is refused where it would have to be prepared', () => {
    assert.is.not(scramVerifier('pencil'), scramVerifier('pencil'));
    assert.throws(() => scramVerifier('pässword'), RangeError);
    assert.throws(() => scramVerifier(''), RangeError);
  });
});
