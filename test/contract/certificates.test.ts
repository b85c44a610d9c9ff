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

  test('says not yet until the end of the term is recorded, and then that it is confirmed', async () => {
    await write('a', { v: 1 });
    await write('living', { v: 1 });
    const position = await erase('a');
    const recipients = [await identityToRecipient(await generateIdentity())];
    const { id } = (await node.call('POST', 'sys/ledger/keys/escrow', { recipients })).body.data;
    assert.is((await node.call('POST', 'sys/rotate/config', { backup_retention: '0s' })).status, 204);
    assert.is((await node.call('POST', 'sys/ledger/keys/rotate')).status, 200);
    const once = async (there: (document: Json) => boolean): Promise<Json> => {
      const deadline = Date.now() + 20_000;
      for (;;) {
        const certificate = await certificateOf(position);
        if (there(certificate.document) || Date.now() > deadline) return certificate;
        await new Promise(resolve => setTimeout(resolve, 250));
      }
    };
    // Nothing opens it any more, but a copy of the term's key is still somewhere.
    const before = await once(({ term }) => term.state === 'ended');
    assert.equal([before.document.term.state, before.document.term.erasure], ['ended', 'pending']);
    assert.match(before.note, new RegExp(`- ${id}, made 20.*: not reported as destroyed`));
    const gone = await node.call('POST', 'sys/ledger/keys/copy-gone', { term: 1, holder: id });
    assert.is(gone.status, 204, gone.text);
    const after = await once(({ term }) => term.erasure === 'confirmed');
    assert.match(after.note, new RegExp(`- ${id}, made 20.*: reported as destroyed 20`));
    assert.equal([after.document.term.last, after.document.term.state], [1, 'destroyed']);
    assert.match(after.note, /Fully erased: confirmed, the end of term 1 was recorded at 20/);
    assert.is(complaint(after), null);
    const { erasures } = (await node.call('GET', 'sys/ledger/erasures')).body.data;
    assert.equal([erasures[0].state, erasures[0].confirmed_at], ['confirmed', after.document.term.confirmed_at]);
    assert.is((await node.call('GET', 'secret/data/living')).status, 200);
    // What is destroyed from now on waits for the next term.
    assert.is((await certificateOf(await erase('living'))).document.term.erasure, 'pending');
  });

  test('is not confirmed while a key that wrapped it before the last term is still somewhere', async () => {
    const terms = async (): Promise<Json> => (await node.call('GET', 'sys/ledger/keys')).body.data.terms;
    const stateOf = async (number: number): Promise<string> =>
      (await terms()).find(({ term }: Json) => term === number).state;
    const rotated = async (from: number): Promise<void> => {
      assert.is((await node.call('POST', 'sys/ledger/keys/rotate')).status, 200);
      await until(`term ${from} ended`, async () => /ended|destroyed/.test(await stateOf(from)));
    };
    const recipients = [await identityToRecipient(await generateIdentity())];
    const { id } = (await node.call('POST', 'sys/ledger/keys/escrow', { recipients })).body.data;
    await write('twice', { v: 'written under term 2' });
    await rotated(2);
    const position = await erase('twice');
    await rotated(3);
    await until('every copy of the key of term 3 is gone', async () => {
      const { copies } = (await terms()).find(({ term }: Json) => term === 3);
      return copies.every(({ gone }: Json) => gone !== null);
    });
    const { session } = node.program.nexus;
    const third = session?.authority.terms.get(3);
    assert.ok(session && third);
    assert.equal(await confirmDestroyed(session, third), []);
    const { document, note } = await certificateOf(position);
    assert.equal([document.term.last, document.term.erasure], [3, 'pending']);
    assert.match(note, /Fully erased: not confirmed/);
    assert.is((await node.call('POST', 'sys/ledger/keys/copy-gone', { term: 2, holder: id })).status, 204);
    await until(
      'it is confirmed',
      async () => (await certificateOf(position)).document.term.erasure === 'confirmed',
      30_000,
    );
    assert.equal([await stateOf(2), await stateOf(3)], ['destroyed', 'destroyed']);
  });
});
