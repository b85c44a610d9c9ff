/** Paths of certificates: what is believed, and each thing that makes it not. */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import * as asn1 from '@peculiar/asn1-x509';
import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type Certificate, readCertificate } from '../../src/x509/certificate.js';
import { Shown } from '../../src/x509/path.js';
import { readBundle } from '../../src/x509/pem.js';
import { keyIsStrong } from '../../src/x509/strength.js';
import { type CertificateCase, extension, type Issued, issue } from '../support/certificates.js';
import { describe } from '../support/describe.js';

const DAY_MS = 86_400_000;

const read = ({ der }: Issued): Certificate => {
  const certificate = readCertificate(der);
  if (certificate === null) throw new Error('a certificate of the test cannot be read');
  return certificate;
};

const length = (leaf: Issued, presented: readonly Issued[], trusted: readonly Issued[]): number | undefined =>
  new Shown(read(leaf), presented.map(read), new Date()).pathTo(trusted.map(read))?.length;

const root = issue({ name: 'root', ca: true });
const between = issue({ name: 'between', ca: true, by: root });

describe('a path of certificates', test => {
  test('leads to an authority, over others or without, in any order and whatever else was sent', () => {
    assert.is(length(issue({ by: root }), [], [root]), 2);
    const leaf = issue({ by: between });
    assert.is(length(leaf, [between], [root]), 3);
    assert.is(length(leaf, [issue({ ca: true }), root, between], [issue({ ca: true }), root]), 3);
    assert.is(length(leaf, [], [root]), undefined);
    assert.is(length(leaf, [between], []), undefined);
  });

  test('ends at any authority that is trusted, also at one between', () => {
    assert.is(length(issue({ by: between }), [], [between]), 2);
  });

  test('finds the right one of two authorities of one name', () => {
    const [old, young] = [issue({ name: 'root', ca: true }), root];
    assert.is(length(issue({ by: root }), [], [old, young]), 2);
    assert.is(length(issue({ by: old }), [], [young, old]), 2);
    assert.is(length(issue({ by: old }), [], [young]), undefined);
  });

  test('is no longer than eight', () => {
    const chain: Issued[] = [root];
    for (let i = 0; i < 7; i += 1) chain.push(issue({ name: `ca ${i}`, ca: true, by: chain.at(-1) ?? root }));
    const presented = (n: number): readonly Issued[] => chain.slice(1, n + 1);
    assert.is(length(issue({ by: chain[6] ?? root }), presented(6), [root]), 8);
    assert.is(length(issue({ by: chain[7] ?? root }), presented(7), [root]), undefined);
  });

  const BAD_LEAVES: readonly (readonly [string, CertificateCase])[] = [
    ['expired', { toMs: Date.now() - 1000 }],
    ['is not valid yet', { fromMs: Date.now() + DAY_MS }],
    ['is an authority', { ca: true, usage: null }],
    ['may not sign', { usage: asn1.KeyUsageFlags.keyEncipherment }],
    ['is for servers only', { purposes: [asn1.id_kp_serverAuth] }],
    ['is signed over SHA-1', { sha1: true }],
    ['has a critical extension that is not known', { extensions: [extension('1.2.3.4', true, Buffer.of(5, 0))] }],
    ['has a weak key', { key: generateKeyPairSync('rsa', { modulusLength: 1024 }) }],
    ['has a key on another curve', { key: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }) }],
  ];
  for (const [what, made] of BAD_LEAVES)
    test(`does not begin at one that ${what}`, () => {
      assert.is(length(issue({ by: root, ...made }), [], [root]), undefined);
    });

  const BAD_AUTHORITIES: readonly (readonly [string, CertificateCase])[] = [
    ['is none', { ca: false }],
    ['expired', { toMs: Date.now() - 1000 }],
    ['may not sign certificates', { usage: asn1.KeyUsageFlags.digitalSignature }],
    ['is for servers only', { purposes: [asn1.id_kp_serverAuth] }],
    [
      'is bound to names',
      {
        extensions: [
          extension(
            asn1.id_ce_nameConstraints,
            false,
            new asn1.NameConstraints({
              permittedSubtrees: new asn1.GeneralSubtrees([
                new asn1.GeneralSubtree({ base: new asn1.GeneralName({ dNSName: 'example.org' }) }),
              ]),
            }),
          ),
        ],
      },
    ],
    ['demands policies', { extensions: [extension('2.5.29.36', true, Buffer.of(0x30, 0))] }],
  ];
  for (const [what, made] of BAD_AUTHORITIES)
    test(`does not pass an authority that ${what}, nor end at it`, () => {
      const authority = issue({ name: 'bad', ca: true, by: root, ...made });
      assert.is(length(issue({ by: authority }), [authority], [root]), undefined);
      assert.is(length(issue({ by: authority }), [], [authority]), undefined);
    });

  test('has no more authorities in a row than one of them allows', () => {
    const last = issue({ name: 'last', ca: true, pathLength: 0 });
    const under = issue({ name: 'under', ca: true, by: last });
    assert.is(length(issue({ by: last }), [], [last]), 2);
    assert.is(length(issue({ by: under }), [under], [last]), undefined);
  });

  test('is not made by a name alone: the signature counts', () => {
    const impostor = issue({ name: 'root', ca: true });
    const forged = issue({ by: { ...impostor, name: 'root' } });
    assert.is(length(forged, [impostor], [root]), undefined);
  });

  test('costs a bounded time, however many authorities that sign each other are sent', () => {
    const alike = { name: 'alike', key: root.key, pem: '' };
    const key = { privateKey: root.key, publicKey: createPublicKey(root.key) };
    const many = Array.from({ length: 9 }, () => issue({ name: 'alike', ca: true, by: alike, key }));
    const other = issue({ name: 'alike', ca: true });
    const startedAt = performance.now();
    assert.is(
      length(
        issue({ by: alike }),
        many,
        Array.from({ length: 64 }, () => other),
      ),
      undefined,
    );
    assert.ok(performance.now() - startedAt < 2000);
    assert.is(length(issue({ by: alike }), many, many), 2);
  });
});

/** Counts the signatures that are checked. */
class Counting extends X509Certificate {
  static checked = 0;

  override verify(key: KeyObject): boolean {
    Counting.checked += 1;
    return super.verify(key);
  }
}

const counting = (issued: Issued): Certificate => ({ ...read(issued), x509: new Counting(issued.der) });

describe('the work that a stranger can give', test => {
  const checkedFor = (leaf: Issued, presented: readonly Issued[]): number => {
    Counting.checked = 0;
    new Shown(counting(leaf), presented.map(counting), new Date()).pathTo([read(root)]);
    return Counting.checked;
  };

  test('is few signatures, whatever chains they send', () => {
    const alike = { name: 'alike', ca: true, keyIds: false } as const;
    const chain = [issue(alike)];
    for (let i = 1; i < 9; i += 1) chain.push(issue({ ...alike, by: chain.at(-1) ?? root }));
    const checked = checkedFor(issue({ by: chain.at(-1) ?? root, keyIds: false }), chain);
    assert.ok(checked >= 9 && checked <= 12, `${checked} signatures`);
  });

  test('is one signature for a key, however many certificates it has', () => {
    const alike = { name: 'alike', key: root.key, pem: '' };
    const key = { privateKey: root.key, publicKey: createPublicKey(root.key) };
    const many = Array.from({ length: 9 }, () => issue({ name: 'alike', ca: true, by: alike, key }));
    const checked = checkedFor(issue({ by: alike }), many);
    assert.ok(checked >= 1 && checked <= 10, `${checked} signatures`);
  });

  test('is no key that takes long to check with', () => {
    const rsa = (exponent: string) =>
      createPublicKey({ format: 'jwk', key: { kty: 'RSA', n: randomBytes(384).toString('base64url'), e: exponent } });
    assert.ok(keyIsStrong(rsa('AQAB')));
    assert.ok(keyIsStrong(rsa('Aw')));
    assert.not(keyIsStrong(rsa(Buffer.alloc(380, 0x55).toString('base64url'))));
    assert.not(keyIsStrong(rsa(Buffer.of(1, 0, 0, 0, 0, 0, 0, 0, 1).toString('base64url'))));
    assert.not(keyIsStrong(rsa('AQ')));
  });
});

describe('bytes that come as a certificate', test => {
  test('are read or refused, whatever they are', () => {
    const { der } = issue({ uris: ['spiffe://example.org/a'] });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), bytes => {
        readCertificate(Buffer.from(bytes));
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(der);
        changed[at] = byte;
        readCertificate(changed);
      }),
      { numRuns: 300 },
    );
  });

  test('are refused where they say a thing twice', () => {
    const twice = extension('1.2.3.4', false, Buffer.of(5, 0));
    assert.is(readCertificate(issue({ extensions: [twice, twice] }).der), null);
  });
});

describe('a bundle in PEM', test => {
  test('is every certificate in it, and notes between them', () => {
    const bundle = readBundle(`# ours\n${root.pem}\nnote\n${between.pem}`);
    assert.is(typeof bundle === 'string' ? bundle : bundle.length, 2);
  });

  test('is refused with a private key, a broken certificate, none, or too many', () => {
    assert.type(readBundle(`${root.pem}${root.keyPem}`), 'string');
    assert.type(readBundle(`${root.pem}${root.pem.replace('MII', 'MIA')}`), 'string');
    assert.type(readBundle('nothing'), 'string');
    assert.type(readBundle(root.pem.repeat(65)), 'string');
  });
});
