/** A client's certificate against a role: names, SPIFFE ids, revocation. */
import * as asn1 from '@peculiar/asn1-x509';
import * as assert from 'uvu/assert';
import { type Certificate, readCertificate } from '../../src/x509/certificate.js';
import { matchClient, type Trust } from '../../src/x509/client.js';
import type { Constraints } from '../../src/x509/constraints.js';
import { type Crl, readCrl } from '../../src/x509/crl.js';
import { Shown } from '../../src/x509/path.js';
import { parseSpiffeId } from '../../src/x509/svid.js';
import {
  type CertificateCase,
  extension,
  type Issued,
  issue,
  revocationList,
  trustDomain,
} from '../support/certificates.js';
import { describe } from '../support/describe.js';

const NONE: Constraints = {
  ...{ allowedNames: [], allowedCommonNames: [], allowedDnsSans: [], allowedEmailSans: [], allowedUriSans: [] },
  ...{ allowedOrganizationalUnits: [], requiredExtensions: [] },
};

const read = ({ der }: Pick<Issued, 'der'>): Certificate => {
  const certificate = readCertificate(der);
  if (certificate === null) throw new Error('a certificate of the test cannot be read');
  return certificate;
};

const home = trustDomain('example.org');
const abroad = trustDomain('example.com');

const trust = (constraints: Partial<Constraints> = {}, more: Partial<Trust> = {}): Trust => ({
  ...{ authorities: [read(home.authority)], pinned: [], trustDomain: 'example.org' },
  constraints: { ...NONE, ...constraints },
  ...more,
});

const match = (leaf: Issued, against: Trust, revoked: readonly Crl[] = []) =>
  matchClient(new Shown(read(leaf), [], new Date()), against, revoked);
const outcome = (leaf: Issued, against: Trust, revoked: readonly Crl[] = []): string =>
  match(leaf, against, revoked).kind;

describe('a client certificate', test => {
  const leaf = issue({
    by: home.authority,
    name: 'web-1',
    units: ['ops', 'web'],
    dns: ['web-1.example.org'],
    emails: ['web@example.org'],
    extensions: [
      extension('1.2.3.4', false, Buffer.from([0x0c, 4, ...Buffer.from('gold')])),
      extension('1.2.3.5', false, Buffer.of(0xde, 0xad)),
    ],
  });

  const CASES: readonly (readonly [Partial<Constraints>, boolean])[] = [
    [{}, true],
    [{ allowedNames: ['no', 'web-*'] }, true],
    [{ allowedNames: ['*@example.org'] }, true],
    [{ allowedNames: ['ops'] }, false],
    [{ allowedCommonNames: ['web-1'] }, true],
    [{ allowedCommonNames: ['web'] }, false],
    [{ allowedDnsSans: ['*.example.org'] }, true],
    [{ allowedDnsSans: ['*.example.com'] }, false],
    [{ allowedEmailSans: ['web@*'] }, true],
    [{ allowedUriSans: ['*'] }, false],
    [{ allowedOrganizationalUnits: ['o*'] }, true],
    [{ allowedOrganizationalUnits: ['dev'] }, false],
    [{ allowedCommonNames: ['web-1'], allowedOrganizationalUnits: ['dev'] }, false],
    [{ requiredExtensions: ['1.2.3.4:gold', 'hex:1.2.3.5:DEad'] }, true],
    [{ requiredExtensions: ['1.2.3.4:g*d'] }, true],
    [{ requiredExtensions: ['1.2.3.4:gold', '1.2.3.6:*'] }, false],
    [{ requiredExtensions: ['1.2.3.5:*'] }, false],
  ];
  for (const [constraints, fits] of CASES)
    test(`${fits ? 'meets' : 'does not meet'} ${JSON.stringify(constraints)}`, () => {
      assert.is(outcome(leaf, trust(constraints)), fits ? 'matched' : 'refused');
    });

  test('is believed as it is when it is pinned, and no other of its name is', () => {
    const alone = issue({ name: 'alone' });
    const pinned = trust({}, { authorities: [], pinned: [read(alone)] });
    assert.is(outcome(alone, pinned), 'matched');
    assert.is(outcome(issue({ name: 'alone' }), pinned), 'no-path');
    const old = issue({ name: 'old', toMs: Date.now() - 1 });
    assert.is(outcome(old, trust({}, { pinned: [read(old)] })), 'no-path');
  });
});

describe('an X.509-SVID', test => {
  const role = trust({ allowedUriSans: ['spiffe://example.org/web/*'] });

  test('is who its id says', () => {
    const found = match(home.svid('/web/1'), role);
    assert.is(found.kind === 'matched' ? found.svid?.text : found.kind, 'spiffe://example.org/web/1');
  });

  test('of another path or another trust domain is refused', () => {
    assert.is(outcome(home.svid('/db/1'), role), 'refused');
    assert.is(outcome(abroad.svid('/web/1'), role), 'no-path');
    // An authority that signs an id of a domain that is not its own.
    assert.is(outcome(issue({ by: home.authority, uris: ['spiffe://example.com/web/1'] }), trust()), 'refused');
    assert.is(outcome(issue({ by: abroad.authority, uris: ['spiffe://example.org/web/1'] }), role), 'no-path');
  });

  const BROKEN: readonly (readonly [string, CertificateCase])[] = [
    ['has two URIs', { uris: ['spiffe://example.org/web/1', 'spiffe://example.org/web/2'] }],
    ['has another URI beside its id', { uris: ['https://example.org', 'spiffe://example.org/web/1'] }],
    ['has no path', { uris: ['spiffe://example.org'] }],
    ['writes its scheme large', { uris: ['SPIFFE://example.org/web/1'] }],
    ['climbs', { uris: ['spiffe://example.org/web/../db'] }],
    ['names a port', { uris: ['spiffe://example.org:80/web/1'] }],
    ['says nothing about its key', { usage: null }],
    ['may sign lists', { usage: asn1.KeyUsageFlags.digitalSignature | asn1.KeyUsageFlags.cRLSign }],
    ['is for clients only', { purposes: [asn1.id_kp_clientAuth] }],
  ];
  for (const [what, made] of BROKEN)
    test(`is none when it ${what}`, () => {
      assert.is(outcome(home.svid('/web/1', made), trust()), 'refused');
    });

  test('is taken by a role of its trust domain alone', () => {
    assert.is(outcome(home.svid('/web/1'), trust()), 'matched');
    for (const trustDomain of ['example.com', null]) {
      assert.is(outcome(home.svid('/web/1'), trust({}, { trustDomain })), 'refused');
      assert.is(outcome(home.svid('/web/1'), trust({ allowedUriSans: ['*'] }, { trustDomain })), 'refused');
    }
  });

  test('needs authorities that say that they sign', () => {
    const silent = trustDomain('example.org', { usage: null });
    assert.is(outcome(silent.svid('/web/1'), trust({}, { authorities: [read(silent.authority)] })), 'refused');
  });
});

describe('a SPIFFE id', test => {
  const GOOD = ['spiffe://example.org', 'spiffe://a.b-c_d/x', 'spiffe://example.org/a.b/C-d_e', 'spiffe://e/..x'];
  const BAD = [
    ...['', 'spiffe://', 'spiffe:///x', 'spiffe://Example.org/x', 'spiffe://e/', 'spiffe://e//x', 'spiffe://e/x/'],
    ...['spiffe://e/.', 'spiffe://e/../x', 'spiffe://e/%61', 'spiffe://e/x?y', 'spiffe://e/x#y', 'spiffe://u@e/x'],
    ...[
      'http://e/x',
      ' spiffe://e/x',
      'spiffe://e/x\n',
      `spiffe://e/${'x'.repeat(2048)}`,
      `spiffe://${'e'.repeat(256)}/x`,
    ],
  ];
  for (const text of GOOD) test(`is ${text}`, () => assert.is(parseSpiffeId(text)?.text, text));
  for (const text of BAD)
    test(`is not ${JSON.stringify(text.slice(0, 40))}`, () => assert.is(parseSpiffeId(text), null));
});

describe('a revocation list', test => {
  const listOf = (text: string): Crl => {
    const list = readCrl(text);
    if (typeof list === 'string') throw new Error(list);
    return list;
  };

  test('refuses what it names, of its own authority alone', () => {
    const [good, bad] = [home.svid('/web/1'), home.svid('/web/2')];
    const list = listOf(revocationList(home.authority, [bad.serial]));
    assert.is(outcome(good, trust(), [list]), 'matched');
    assert.is(outcome(bad, trust(), [list]), 'refused');
    assert.is(outcome(bad, trust(), [listOf(revocationList(abroad.authority, [bad.serial]))]), 'matched');
  });

  test('is signed by an authority that may sign lists', () => {
    const list = listOf(revocationList(home.authority, []));
    assert.ok(list.signedBy(read(home.authority)));
    assert.not(list.signedBy(read(abroad.authority)));
    const impostor = trustDomain('example.org');
    assert.not(list.signedBy(read(impostor.authority)));
    const muted = issue({ name: 'muted', ca: true, usage: asn1.KeyUsageFlags.keyCertSign });
    assert.not(listOf(revocationList(muted, [])).signedBy(read(muted)));
  });

  test('that is a part, that cannot be read whole, or that is none, is refused', () => {
    const part = { extensions: [extension('2.5.29.27', true, Buffer.of(2, 1, 1))] };
    assert.type(readCrl(revocationList(home.authority, [], part)), 'string');
    assert.type(readCrl(revocationList(home.authority, [home.svid('/a').serial], { next: false })), 'string');
    for (const text of ['', 'x', home.authority.pem]) assert.type(readCrl(text), 'string');
  });
});
