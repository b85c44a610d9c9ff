/** Erasure certificates: issued over HTTP, verified with nothing but the file and a key; every change to one is found. */
import { generateIdentity, identityToRecipient } from 'age-encryption';
import * as assert from 'uvu/assert';
import { certificateText } from '../../src/certificates/text.js';
import { verifyCertificate } from '../../src/certificates/verify.js';
import { signNote, verifierKey } from '../../src/crypto/signed-note.js';
import { confirmDestroyed } from '../../src/operations/terms/steps.js';
import { type Json, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';

let cluster: TestCluster;
let node: TestNode;

const write = (path: string, data: object) => node.call('POST', `secret/data/${path}`, { data });

const erase = async (path: string): Promise<number> => {
  const plan = await node.call('POST', 'sys/ledger/erase/plan', { mount: 'secret', path, basis: 'request\nof P.' });
  const erased = await node.call('POST', 'sys/ledger/erase/apply', { plan_id: plan.body.data.plan_id });
  assert.is(erased.status, 200, erased.text);
  return erased.body.data.position;
};

const certificateOf = async (position: number): Promise<Json> => {
  const reply = await node.call('GET', `sys/ledger/erasures/${position}`);
  assert.is(reply.status, 200, reply.text);
  return reply.body.data;
};

const complaint = (certificate: Json, key: string | null = null): string | null => {
  const result = verifyCertificate(JSON.stringify(certificate), key);
  return result._tag === 'Left' ? result.left : null;
};

/** The ledger's own checkpoint key, as its first event says it in the clear. */
const recordedKey = async (): Promise<string> => {
  const client = await cluster.db.client();
  try {
    return (await client.query(`select facts ->> 'checkpoint_key' as key from events where position = 1`)).rows[0]?.key;
  } finally {
    await client.end();
  }
};

describe('an erasure certificate', test => {
  let certificate: Json;

  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
    for (let v = 0; v < 3; v += 1) await write('people/p', { v });
    await node.call('POST', 'secret/metadata/people/p', { custom_metadata: { of: 'P.' } });
    await write('people/q/r', { v: 1 });
    await write('other', { v: 1 });
    certificate = await certificateOf(await erase('people/'));
  });
  test.after(() => cluster.stop());

  test('verifies with the key that the ledger was created with, also as a verifier key', async () => {
    const key = await recordedKey();
    assert.is(complaint(certificate, key), null);
    const name = `tallystick.example/ledger/${certificate.document.ledger}`;
    assert.is(complaint(certificate, verifierKey({ name, publicKey: Buffer.from(key, 'hex') })), null);
  });

  test('lists every key with what it opened, and what they are proved by', () => {
    const { destroyed, request, key_rows_found } = certificate.document;
    assert.equal(
      destroyed.map(({ path, keys }: Json) => [path, keys.map((key: Json) => key.of)]),
      [
        ['secret/people/p', ['value', 'value', 'value', 'custom metadata']],
        ['secret/people/q/r', ['value']],
      ],
    );
    assert.equal([request.scope, request.basis, request.actor.name], ['secret/people/', 'request\nof P.', 'root']);
    assert.is(key_rows_found, 0);
  });

  test('is issued for a folder of any size, however long its paths are', async () => {
    const long = Array.from({ length: 6 }, () => 'n'.repeat(250)).join('/');
    await Promise.all(Array.from({ length: 45 }, (_, i) => write(`long/${long}/${i}`, { i })));
    const large = await certificateOf(await erase('long/'));
    assert.is(large.document.destroyed.length, 45);
    assert.match(large.note, /- secret\/long\/n{100,}… \(1 key\)\n/);
    assert.match(large.note, '- and 5 more, in the document\n');
    assert.is(complaint(large), null);
  });

  test('says that it is not yet, on which date, and what it does not know', () => {
    assert.match(certificate.note, /Fully erased: not yet, on 20\d\d-\d\d-\d\d/);
    assert.match(certificate.note, 'Basis: request of P.\n');
    assert.match(certificate.note, 'Who had read it: not known');
    assert.match(certificate.note, /Living copies, in writes up to position \d+: none/);
  });

  test('is found out when any field of its document is changed', async () => {
    const paths: (readonly (string | number)[])[] = [];
    const walk = (value: Json, path: readonly (string | number)[]): void => {
      if (typeof value !== 'object' || value === null) paths.push(path);
      else
        for (const name of Object.keys(value)) walk(value[name], [...path, Array.isArray(value) ? Number(name) : name]);
    };
    walk(certificate.document, []);
    assert.ok(paths.length > 100, `${paths.length} fields`);
    for (const path of paths) {
      const changed = structuredClone(certificate);
      const holder = path.slice(0, -1).reduce((at: Json, name) => at[name], changed.document);
      const name = path.at(-1) ?? '';
      const before = holder[name];
      holder[name] =
        typeof before === 'number'
          ? before + 1
          : typeof before === 'boolean'
            ? !before
            : before === null
              ? 'x'
              : `${before}x`;
      assert.is.not(complaint(changed), null, path.join('.'));
    }
  });

  test('of a forger, signed with a key of their own, does not verify with the ledger’s', async () => {
    const seed = Buffer.alloc(32, 7);
    const key = { name: `tallystick.example/ledger/${certificate.document.ledger}`, publicKey: Buffer.alloc(32) };
    const forged = structuredClone(certificate);
    forged.document.term.erasure = 'confirmed';
    forged.note = signNote(certificateText(forged.document), key, seed);
    assert.match(complaint(forged, await recordedKey()) ?? '', /signature of the certificate/);
    assert.match(complaint(certificate, 'ab'.repeat(32)) ?? '', /another checkpoint key/);
  });

  test('does not verify with events, proofs or heads of another erasure, though both are signed', async () => {
    const other = await certificateOf(await erase('other'));
    assert.is(complaint(other), null);
    assert.match(
      complaint({ ...certificate, checkpoint: other.checkpoint }) ?? '',
      /is not proved to be in the ledger/,
    );
    assert.match(complaint({ ...certificate, document: other.document }) ?? '', /not the one that was signed/);
    assert.match(complaint({ ...certificate, note: certificate.checkpoint }) ?? '', /not the one that was signed/);
  });

  test('is one and the same for the request and for each destroy of it; other events have none', async () => {
    const [first] = certificate.document.destroyed;
    const again = await certificateOf(first.event.position);
    assert.is(again.document.request.position, certificate.document.request.position);
    for (const none of [1, 999_999]) assert.is((await node.call('GET', `sys/ledger/erasures/${none}`)).status, 404);
  });
});

describe('the list of erasures', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
  });
  test.after(() => cluster.stop());

  test('has requests and single destroys, and names the living copies of what was destroyed', async () => {
    await write('a', { v: 1 });
    const { position } = (await node.call('GET', 'sys/ledger/head')).body.data;
    await write('a', { v: 2 });
    const plan = await node.call('POST', 'sys/ledger/restore/plan', { mount: 'secret', path: 'a', position });
    await node.call('POST', 'sys/ledger/restore/apply', { plan_id: plan.body.data.plan_id });
    assert.is((await node.call('PUT', 'secret/destroy/a', { versions: [1] })).status, 204);
    const { erasures } = (await node.call('GET', 'sys/ledger/erasures')).body.data;
    assert.equal(
      erasures.map(({ scope, keys, state }: Json) => [scope, keys, state]),
      [['secret/a', 1, 'pending']],
    );
    const single = await certificateOf(erasures[0].position);
    assert.is(complaint(single), null);
    const [copy] = single.document.living_copies.found;
    assert.is(copy.path, 'secret/a');
    assert.match(single.note, /- secret\/a, written at position \d+/);
    await erase('a');
    const one = (await node.call('GET', 'sys/ledger/erasures?limit=1')).body.data;
    assert.equal([one.erasures.length, one.next], [1, erasures[0].position]);
    const list = (await node.call('GET', 'sys/ledger/erasures?limit=2')).body.data;
    assert.is(list.erasures.length, 2);
    const rest = await node.call('GET', `sys/ledger/erasures?after=${list.erasures[1].position}`);
    assert.equal([rest.body.data.erasures, rest.body.data.next], [[], null]);
    assert.equal((await certificateOf(erasures[0].position)).document.living_copies.found, []);
  });

  test('is for auditors too, and for nobody who may not', async () => {
    const tokenWith = async (policies: readonly string[]): Promise<string> =>
      (await node.call('POST', 'auth/token/create', { policies })).body.auth.client_token;
    const [auditor, nobody] = [await tokenWith(['auditor']), await tokenWith(['default'])];
    const { erasures } = (await node.call('GET', 'sys/ledger/erasures', undefined, { token: auditor })).body.data;
    const path = `sys/ledger/erasures/${erasures[0].position}`;
    assert.is((await node.call('GET', path, undefined, { token: auditor })).status, 200);
    assert.is((await node.call('GET', path, undefined, { token: nobody })).status, 403);
  });
});

describe('a certificate whose term comes to its end', test => {
  test.before(async () => {
    cluster = await testCluster();
    node = cluster.node;
  });
  test.after(() => cluster.stop());

  const terms = async (): Promise<Json> => (await node.call('GET', 'sys/ledger/keys')).body.data.terms;
  const ended = (number: number): Promise<void> =>
    until(`term ${number} ended`, async () => (await terms())[number - 1].state === 'ended');
  const rotate = async (): Promise<void> => assert.is((await node.call('POST', 'sys/ledger/keys/rotate')).status, 200);
  let [first, second, escrow] = [0, 0, ''];

  test('says not yet while a copy of the term’s key is somewhere, though nothing here opens it', async () => {
    await write('a', { v: 1 });
    await write('b', { v: 1 });
    await write('living', { v: 1 });
    first = await erase('a');
    const recipients = [await identityToRecipient(await generateIdentity())];
    escrow = (await node.call('POST', 'sys/ledger/keys/escrow', { recipients })).body.data.id;
    assert.is((await node.call('POST', 'sys/rotate/config', { backup_retention: '0s' })).status, 204);
    await rotate();
    await ended(1);
    const { document, note } = await certificateOf(first);
    assert.equal([document.term.state, document.term.erasure], ['ended', 'pending']);
    assert.match(note, new RegExp(`- ${escrow}, made 20.*: not reported as destroyed`));
  });

  test('says not yet, too, of what lay under that term before its last one', async () => {
    second = await erase('b');
    await rotate();
    await ended(2);
    const { session } = node.program.nexus;
    const last = session?.authority.terms.get(2);
    assert.ok(session && last);
    await until('no copy of its key is left', async () =>
      (await terms())[1].copies.every(({ gone }: Json) => gone !== null),
    );
    assert.equal(await confirmDestroyed(session, last), []);
    const { document, note } = await certificateOf(second);
    assert.equal([document.term.last, document.term.state, document.term.erasure], [2, 'ended', 'pending']);
    assert.match(note, /Fully erased: not confirmed/);
  });

  test('says that it is confirmed when the last copy is reported as gone', async () => {
    const confirmed = async (position: number): Promise<Json> => {
      const isConfirmed = async () => (await certificateOf(position)).document.term.erasure === 'confirmed';
      await until('it is confirmed', isConfirmed);
      return certificateOf(position);
    };
    const gone = await node.call('POST', 'sys/ledger/keys/copy-gone', { term: 1, holder: escrow });
    assert.is(gone.status, 204, gone.text);
    const after = await confirmed(first);
    assert.match(after.note, new RegExp(`- ${escrow}, made 20.*: reported as destroyed 20`));
    assert.equal([after.document.term.last, after.document.term.state], [1, 'destroyed']);
    assert.match(after.note, /Fully erased: confirmed, the end of term 1 was recorded at 20/);
    assert.is(complaint(after), null);
    const { erasures } = (await node.call('GET', 'sys/ledger/erasures')).body.data;
    assert.equal([erasures[0].state, erasures[0].confirmed_at], ['confirmed', after.document.term.confirmed_at]);
    assert.is((await confirmed(second)).document.term.last, 2);
    assert.is((await node.call('GET', 'secret/data/living')).status, 200);
    // What is destroyed from now on waits for the next term.
    assert.is((await certificateOf(await erase('living'))).document.term.erasure, 'pending');
  });
});
