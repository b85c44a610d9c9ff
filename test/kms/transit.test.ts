/** `transit:` against a server that speaks that API, well and unwell: each trouble has its own word, none its secrets. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { Kms } from '../../src/kms/kms.js';
import { openKms } from '../../src/kms/open.js';
import { issue } from '../support/certificates.js';
import { describe } from '../support/describe.js';
import { refusalOf } from './support/refusal.js';
import { startTransit, type TransitServer } from './support/transit-server.js';

const opened = (text: string): Kms => {
  const kms = openKms(text);
  if (kms._tag === 'Left') throw new Error(kms.left);
  return kms.right;
};

describe('a transit key', test => {
  let transit: TransitServer;
  let kms: Kms;
  const key = randomBytes(32);
  let wrapped: Buffer;

  test.before(async () => {
    transit = await startTransit();
    kms = opened(transit.setting);
    wrapped = await kms.wrap(key);
  });
  test.before.each(() => {
    transit.mode = 'well';
    transit.renew();
  });
  test.after(() => transit.stop());

  test('unwraps what it wrapped, and is named without its options', async () => {
    assert.ok(key.equals(await kms.unwrap(wrapped)));
    assert.is(wrapped.includes(key), false);
    assert.is(kms.uri, transit.uri);
  });

  test('reads its token again at each call', async () => {
    transit.renew();
    assert.ok(key.equals(await kms.unwrap(wrapped)));
  });

  test('is denied when the token is revoked, and asked once', async () => {
    transit.revoke();
    const before = transit.asked.length;
    const { trouble, message } = await refusalOf(kms.unwrap(wrapped));
    assert.is(trouble, 'denied');
    assert.match(message, /permission denied \(403\).*update on keys\/transit\/decrypt\/tallystick/);
    assert.is(transit.asked.length, before + 1);
  });

  for (const [mode, word, tries] of [
    ['sealed', /answers 503/, 3],
    ['away', /cannot be reached/, 3],
    ['odd', /not JSON/, 1],
    ['redirecting', /redirects/, 1],
    ['endless', /longer than any/, 1],
  ] as const)
    test(`that is ${mode} is asked ${tries === 1 ? 'once' : `${tries} times`}, and said to be so`, async () => {
      transit.mode = mode;
      const before = transit.asked.length;
      const { message, trouble } = await refusalOf(kms.unwrap(wrapped));
      assert.match(message, word);
      assert.is(trouble, tries === 1 ? 'refused' : 'away');
      assert.is(transit.asked.length, before + tries);
      assert.ok(message.startsWith(transit.uri), message);
    });

  test('that does not answer is given up in time, and not asked again', async () => {
    transit.mode = 'slow';
    const before = transit.asked.length;
    const { message, trouble } = await refusalOf(opened(`${transit.setting}&timeout=1`).unwrap(wrapped));
    assert.match(message, /no answer within 1 s/);
    assert.is(trouble, 'away');
    assert.is(transit.asked.length, before + 1);
  });

  test('is reached over TLS, if its certificate is signed by whom the setting names', async () => {
    const authority = issue({ name: 'authority', ca: true });
    const { pem: cert, keyPem } = issue({ name: '127.0.0.1', by: authority, addresses: ['127.0.0.1'] });
    const secure = await startTransit({ cert, key: keyPem, ca: authority.pem });
    try {
      const trusting = opened(secure.setting);
      assert.ok(key.equals(await trusting.unwrap(await trusting.wrap(key))));
      const doubting = opened(secure.setting.replace(/&ca=.*/, ''));
      assert.match(
        (await refusalOf(doubting.wrap(key))).message,
        /cannot be reached \(\w*(?:CERT|ISSUER|SIGNATURE)\w*\)/,
      );
    } finally {
      await secure.stop();
    }
  });

  test('that became another one is not taken for a key', async () => {
    const other = await startTransit();
    try {
      const foreign = opened(other.setting);
      assert.is((await refusalOf(foreign.unwrap(wrapped))).trouble, 'refused');
    } finally {
      await other.stop();
    }
  });

  test('needs its token file, and says so', async () => {
    rmSync(transit.tokenFile);
    const { trouble, message } = await refusalOf(kms.wrap(key));
    assert.is(trouble, 'denied');
    assert.match(message, /token-file .* cannot be read/);
  });

  for (const [text, word] of [
    ['transit:http://vault.example:8200/transit/k#token-file=/t', /https:/],
    ['transit:https://vault.example/transit/k', /token-file/],
    ['transit:https://vault.example/k#token-file=/t', /MOUNT\/KEY/],
    ['transit:https://u:p@vault.example/transit/k#token-file=/t', /no credential/],
    ['transit:https://vault.example/transit/k#token-file=/t&token=abc', /not known/],
    ['exec:program', /path\/to/],
    ['vault:x', /begins with/],
  ] as const)
    test(`is not opened from a setting that ${word.source} is missing in`, () => {
      const refused = openKms(text);
      assert.is(refused._tag, 'Left');
      if (refused._tag === 'Left') assert.match(refused.left, word);
    });
});
