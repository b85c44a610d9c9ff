/**
 * The database is not believed: whatever is edited, moved, put back or cut off is refused by name, or has no effect. The
 * edits are made by the owner with the triggers off, which is more power than the program has.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import * as assert from 'uvu/assert';
import { whenSuiteEnds } from '../support/cleanup.js';
import { type Reply, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

/** No sealed rows are kept: each read meets the edited row, not the genuine one that was read before. */
const EVERY_READ_ASKS = { readCache: '0' };

let cluster: TestCluster;
let node: TestNode;
let sql: pg.Client;

/** With pg's own types: a stamp is a Date here, so that a row can be put back as it was read. */
const plainClient = async (): Promise<pg.Client> => {
  const { host, port, database, user, password } = cluster.db.connection;
  const client = new pg.Client({ host, port, database, user, password });
  client.on('error', () => {});
  await client.connect();
  await client.query('set search_path to tallystick, tallystick_projections');
  whenSuiteEnds(() => client.end());
  return client;
};

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x01;
  return copy;
};

/** Every byte of what has a fixed size, and of a box its head and tag; of long ciphertext every 7th. */
const places = (bytes: Buffer): number[] =>
  Array.from({ length: bytes.length }, (_, i) => i).filter(i => i < 120 || i >= bytes.length - 16 || i % 7 === 0);

const write = async (path: string, data: object, options: object = {}): Promise<number> => {
  const written = await node.call('POST', `secret/data/${path}`, { data, ...options });
  assert.is(written.status, 200, written.text);
  return Number(written.headers.get('x-tallystick-position'));
};

const refusesByName = (reply: Reply, what: string): void => {
  assert.is(reply.status, 500, `${what}: ${reply.status} ${reply.text}`);
  assert.match(reply.text, /integrity error/, what);
};

const rowAt = async (position: number): Promise<Record<string, unknown>> => {
  const { rows } = await sql.query('select * from events where position = $1', [position]);
  return rows[0];
};

const set = (column: string, value: unknown, position: number): Promise<unknown> =>
  sql.query(`update events set ${column} = $1 where position = $2`, [value, position]);

/** Sets a column of an event, runs `look`, and puts it back. */
const withEdit = async (position: number, column: string, value: unknown, look: () => Promise<void>): Promise<void> => {
  const before = (await rowAt(position))[column];
  await set(column, value, position);
  try {
    await look();
  } finally {
    await set(column, column === 'facts' ? JSON.stringify(before) : before, position);
  }
};

describe('an edited event', test => {
  let position = 0;

  test.before(async () => {
    cluster = await testCluster(undefined, EVERY_READ_ASKS);
    node = cluster.node;
    sql = await plainClient();
    await sql.query('alter table events disable trigger all; alter table batches disable trigger all');
    position = await write('distrust/one', { password: 'hunter2' });
    await write('distrust/two', { password: 'other' });
  });

  const reads = async (): Promise<readonly (readonly [string, Reply])[]> => [
    ['value', await node.call('GET', 'secret/data/distrust/one')],
    ['version', await node.call('GET', 'secret/data/distrust/one?version=1')],
    ['as of then', await node.call('GET', `secret/data/distrust/one?position=${position}`)],
    ['metadata', await node.call('GET', 'secret/metadata/distrust/one')],
    ['audit trail', await node.call('GET', `sys/ledger/events?after=${position - 1}&limit=1`)],
  ];

  test('reads well before it is edited', async () => {
    for (const [what, reply] of await reads()) assert.is(reply.status, 200, `${what}: ${reply.text}`);
  });

  const small: Readonly<Record<string, (old: unknown) => unknown>> = {
    type: () => 'secret.deleted',
    lane: () => 2,
    recorded_at: old => new Date((old as Date).getTime() + 1),
    actor: () => '00000000-0000-4000-8000-000000000001',
    epoch: () => 2,
    day: old => Number(old) + 1,
    key_id: () => '00000000-0000-4000-8000-000000000001',
    facts: old => JSON.stringify({ ...(old as object), version: 2 }),
    body_len: old => Number(old) + 1,
    event_id: () => '00000000-0000-4000-8000-000000000001',
  };

  for (const [column, edit] of Object.entries(small))
    test(`is refused by every read that touches it: ${column}`, async () => {
      const old = (await rowAt(position))[column];
      await withEdit(position, column, edit(old), async () => {
        for (const [what, reply] of await reads()) refusesByName(reply, `${column}, ${what}`);
      });
    });

  for (const column of ['header', 'names', 'body', 'body_hash', 'row_mac'])
    test(`is refused at every byte: ${column}`, async () => {
      const bytes = (await rowAt(position))[column];
      assert.ok(Buffer.isBuffer(bytes), column);
      for (const at of places(bytes))
        await withEdit(position, column, flipped(bytes, at), async () => {
          refusesByName(await node.call('GET', 'secret/data/distrust/one'), `${column} byte ${at}`);
        });
      await withEdit(position, column, flipped(bytes, 1), async () => {
        // A body is looked at only by who opens it; its hash, by everybody.
        for (const [what, reply] of await reads())
          if (column !== 'body' || !['metadata', 'audit trail'].includes(what))
            refusesByName(reply, `${column}, ${what}`);
      });
    });

  test('moved to another stream, it is refused there', async () => {
    const { rows } = await sql.query('select stream_id from events where position = $1', [position + 1]);
    const other = String(rows[0].stream_id);
    await withEdit(position, 'stream_version', 9, async () => {
      await withEdit(position, 'stream_id', other, async () => {
        refusesByName(await node.call('GET', 'secret/data/distrust/two'), 'an event of another stream');
      });
    });
  });

  test('a key row is refused at every byte, and under any other name', async () => {
    const keyId = (await rowAt(position)).key_id;
    const { rows } = await sql.query('select * from keys where key_id = $1', [keyId]);
    const key = rows[0];
    const put = (column: string, value: unknown): Promise<unknown> =>
      sql.query(`update keys set ${column} = $1 where key_id = $2`, [value, keyId]);
    for (const at of Array.from({ length: key.wrapped.length }, (_, i) => i)) {
      await put('wrapped', flipped(key.wrapped, at));
      refusesByName(await node.call('GET', 'secret/data/distrust/one'), `wrapped byte ${at}`);
    }
    await put('wrapped', key.wrapped);
    for (const [column, value] of [
      ['kind', 2],
      ['owner', '00000000-0000-4000-8000-000000000001'],
      ['term', 2],
    ] as const) {
      await put(column, value);
      refusesByName(await node.call('GET', 'secret/data/distrust/one'), column);
      await put(column, key[column]);
    }
    await sql.query('delete from keys where key_id = $1', [keyId]);
    refusesByName(await node.call('GET', 'secret/data/distrust/one'), 'a key row that is gone');
    await sql.query('insert into keys values ($1, $2, $3, $4, $5)', [
      key.key_id,
      key.kind,
      key.owner,
      key.term,
      key.wrapped,
    ]);
    assert.is((await node.call('GET', 'secret/data/distrust/one')).status, 200);
  });

  test('a key row that is put back after a destroy opens nothing', async () => {
    await write('distrust/gone', { v: 'first' });
    const then = await write('distrust/gone', { v: 'second' });
    await write('distrust/gone', { v: 'third' });
    const { rows } = await sql.query('select k.* from keys k join events e using (key_id) where e.position = $1', [
      then,
    ]);
    assert.is((await node.call('POST', 'secret/destroy/distrust/gone', { versions: [2] })).status, 204);
    assert.is((await sql.query('select 1 from keys where key_id = $1', [rows[0].key_id])).rowCount, 0);
    await sql.query('insert into keys values ($1, $2, $3, $4, $5)', Object.values(rows[0]));
    assert.is((await node.call('GET', 'secret/data/distrust/gone?version=2')).status, 404);
    const asOf = await node.call('GET', `secret/data/distrust/gone?position=${then}`);
    assert.is(asOf.status, 404, asOf.text);
    assert.is(asOf.body.data.metadata.destroyed, true);
    // The same after the key was removed and made again: an older generation.
    await node.call('DELETE', 'secret/metadata/distrust/gone');
    await write('distrust/gone', { v: 'new' });
    assert.is((await node.call('GET', `secret/data/distrust/gone?position=${then}`)).status, 404);
    await sql.query('delete from keys where key_id = $1', [rows[0].key_id]);
  });

  test('a projection row that is edited has no effect on a value', async () => {
    await sql.query('update secrets set removed = true');
    await sql.query('update secret_moments set stream_version = 1');
    assert.equal((await node.call('GET', 'secret/data/distrust/gone')).body.data.data, { v: 'new' });
    const verified = await node.call('POST', 'sys/ledger/projections/verify', { name: 'secrets' });
    assert.ok(verified.body.data.differences > 0, 'verify sees it');
    await node.call('POST', 'sys/ledger/projections/secrets/rebuild', {});
    assert.is((await node.call('POST', 'sys/ledger/projections/verify', { name: 'secrets' })).body.data.differences, 0);
  });

  test('a name box that is edited or moved is refused by the list', async () => {
    await node.call('LIST', 'secret/metadata/distrust');
    const other = await cluster.newNode();
    await sql.query(`update tree_names set box = set_byte(box, 30, get_byte(box, 30) # 1)`);
    refusesByName(await other.call('LIST', 'secret/metadata/distrust'), 'name box');
    await node.call('POST', 'sys/ledger/projections/secret-tree/rebuild', {});
    assert.is((await other.call('LIST', 'secret/metadata/distrust')).status, 200);
  });

  test('an older genuine version is not believed by a node that saw the newer', async () => {
    await write('distrust/old', { v: 1 });
    const newer = await write('distrust/old', { v: 2 });
    await node.call('GET', 'secret/data/distrust/old');
    const row = await rowAt(newer);
    await sql.query('delete from events where position = $1', [newer]);
    refusesByName(await node.call('GET', 'secret/data/distrust/old'), 'a stream that went back');
    const columns = Object.keys(row);
    const values = columns.map((_, i) => `$${i + 1}`).join(', ');
    await sql.query(
      `insert into events (${columns.join(', ')}) values (${values})`,
      columns.map(column => (column === 'facts' ? JSON.stringify(row[column]) : row[column])),
    );
    assert.is((await node.call('GET', 'secret/data/distrust/old')).status, 200);
  });
});

describe('an edited head, slot or keyring', test => {
  let sealed: TestNode;
  let headSize = 0;

  test.before(async () => {
    cluster = await testCluster(undefined, EVERY_READ_ASKS);
    node = cluster.node;
    sql = await plainClient();
    await sql.query('alter table events disable trigger all; alter table batches disable trigger all');
    await write('heads/one', { v: 1 });
    sealed = await cluster.newNode({ unseal: false });
    // Only one node: the other one would go on appending heads while they are edited.
    await node.program.nexus.seal();
    headSize = Number((await sql.query('select max(size) as size from batches')).rows[0].size);
  });

  const unseal = (): Promise<Reply> => {
    // Guesses are slowed down, and these are not guesses.
    sealed.program.nexus.attempts.succeeded('unseal address 127.0.0.1');
    return sealed.call('POST', 'sys/unseal', { key: cluster.key });
  };

  const refusesToUnseal = async (what: string): Promise<void> => {
    const reply = await unseal();
    assert.ok(reply.status === 500 || reply.status === 400, `${what}: ${reply.status} ${reply.text}`);
    assert.is((await sealed.call('GET', 'sys/seal-status')).body.sealed, true, what);
  };

  const withHead = async (column: string, value: unknown, look: () => Promise<void>): Promise<void> => {
    const before = (await sql.query('select * from batches where size = $1', [headSize])).rows[0][column];
    await sql.query(`update batches set ${column} = $1 where size = $2`, [value, headSize]);
    try {
      await look();
    } finally {
      await sql.query(`update batches set ${column} = $1 where size = $2`, [before, headSize]);
    }
  };

  for (const column of ['root', 'frontier', 'authority_chain', 'head_mac'])
    test(`keeps the server sealed at every byte: ${column}`, async () => {
      const bytes: Buffer = (await sql.query('select * from batches where size = $1', [headSize])).rows[0][column];
      for (let at = 0; at < bytes.length; at += 1)
        await withHead(column, flipped(bytes, at), () => refusesToUnseal(`${column} byte ${at}`));
    });

  for (const column of ['authority_count', 'keyring_generation', 'epoch'])
    test(`keeps the server sealed: ${column}`, async () => {
      const old = Number((await sql.query('select * from batches where size = $1', [headSize])).rows[0][column]);
      await withHead(column, old + 1, () => refusesToUnseal(column));
    });

  test('keeps the server sealed: last_at', () =>
    withHead('last_at', new Date('2020-01-01T00:00:00Z'), () => refusesToUnseal('last_at')));

  test('a deleted or edited authority event keeps the server sealed', async () => {
    const { rows } = await sql.query('select * from events where lane = 1 order by position desc limit 1');
    const row = rows[0];
    await sql.query('delete from events where position = $1', [row.position]);
    await refusesToUnseal('a missing lane event');
    const columns = Object.keys(row);
    await sql.query(
      `insert into events (${columns.join(', ')}) values (${columns.map((_, i) => `$${i + 1}`).join(', ')})`,
      columns.map(column => (column === 'facts' ? JSON.stringify(row[column]) : row[column])),
    );
    await sql.query('update events set header = set_byte(header, 60, get_byte(header, 60) # 1) where position = $1', [
      row.position,
    ]);
    await refusesToUnseal('an edited lane event');
    await sql.query('update events set header = $1 where position = $2', [row.header, row.position]);
  });

  test('a slot is refused at every byte', async () => {
    const { rows } = await sql.query('select * from slots');
    for (const { slot_id: slotId, record } of rows)
      for (let at = 0; at < record.length; at += 1) {
        await sql.query('update slots set record = $1 where slot_id = $2', [flipped(record, at), slotId]);
        await refusesToUnseal(`slot byte ${at}`);
        await sql.query('update slots set record = $1 where slot_id = $2', [record, slotId]);
      }
  });

  test('the keyring is refused at every byte, and under another generation', async () => {
    const { generation, box } = (await sql.query('select * from keyring')).rows[0];
    for (const at of places(box)) {
      await sql.query('update keyring set box = $1', [flipped(box, at)]);
      await refusesToUnseal(`keyring byte ${at}`);
    }
    await sql.query('update keyring set box = $1, generation = generation + 1', [box]);
    await refusesToUnseal('keyring generation');
    await sql.query('update keyring set generation = $1', [generation]);
  });

  test('an old slot and an old keyring that are put back after a password change are refused and named', async () => {
    assert.is((await unseal()).status, 200);
    const slots = (await sql.query('select * from slots')).rows;
    const keyring = (await sql.query('select * from keyring')).rows[0];
    const changed = await sealed.call('POST', `auth/userpass/users/${cluster.admin.name}/password`, {
      ...{ old_password: cluster.admin.password, password: 'another lantern copper violin' },
    });
    assert.is(changed.status, 204, changed.text);
    await sealed.program.nexus.seal();
    const after = (await sql.query('select * from slots')).rows;
    const keyringAfter = (await sql.query('select * from keyring')).rows[0];
    const putSlots = async (rows: readonly { slot_id: string; record: Buffer }[]): Promise<void> => {
      await sql.query('delete from slots');
      for (const { slot_id: slotId, record } of rows)
        await sql.query('insert into slots values ($1, $2)', [slotId, record]);
    };
    await putSlots(slots);
    const reply = await unseal();
    assert.is(reply.status, 500);
    assert.match(reply.text, 'slots');
    await putSlots(after);
    await sql.query('update keyring set generation = $1, box = $2', [keyring.generation, keyring.box]);
    const old = await unseal();
    assert.is(old.status, 500);
    assert.match(old.text, 'old keyring');
    await sql.query('update keyring set generation = $1, box = $2', [keyringAfter.generation, keyringAfter.box]);
    assert.is((await unseal()).status, 200);
  });

  test('a database that is behind what the node saw is refused: its anchor remembers', async () => {
    await sealed.call('POST', 'secret/data/heads/two', { data: { v: 2 } });
    await sealed.program.nexus.seal();
    const newest = (await sql.query('select * from batches order by size desc limit 1')).rows[0];
    await sql.query('delete from batches where size = $1', [newest.size]);
    const reply = await unseal();
    assert.is(reply.status, 500);
    assert.match(reply.text, 'rolled back');
    const columns = Object.keys(newest);
    await sql.query(
      `insert into batches (${columns.join(', ')}) values (${columns.map((_, i) => `$${i + 1}`).join(', ')})`,
      Object.values(newest),
    );
    assert.is((await unseal()).status, 200);
    await sealed.program.nexus.seal();
  });

  test('a rollback that a person accepts and that could not be recorded is refused like before', async () => {
    const anchor = join(sealed.folder, 'anchor.json');
    const seen = readFileSync(anchor, 'utf8');
    const { size } = JSON.parse(seen);
    const ahead = JSON.stringify({ ...JSON.parse(seen), size: size + 5, root: 'ab'.repeat(32) });
    writeFileSync(anchor, ahead);
    await sql.query('alter table events add constraint nothing_more check (false) not valid');
    try {
      const accepted = await sealed.call('POST', 'sys/unseal', { key: cluster.key, accept_rollback: true });
      assert.ok(accepted.status >= 500, accepted.text);
    } finally {
      await sql.query('alter table events drop constraint nothing_more');
    }
    assert.is(readFileSync(anchor, 'utf8'), ahead);
    assert.match((await unseal()).text, 'accept-rollback');
    writeFileSync(anchor, seen);
  });

  test('a rollback that a person accepts is the first event on top of it', async () => {
    const anchor = join(sealed.folder, 'anchor.json');
    const seen = JSON.parse(readFileSync(anchor, 'utf8'));
    const { size } = (await sql.query('select max(size) as size from batches')).rows[0];
    writeFileSync(anchor, JSON.stringify({ ...seen, size: Number(size) + 5, root: 'ab'.repeat(32) }));
    assert.match((await unseal()).text, 'accept-rollback');
    const accepted = await sealed.call(
      'POST',
      'sys/unseal',
      { key: cluster.key, accept_rollback: true },
      { headers: { 'x-tallystick-reason': 'restored from the backup' } },
    );
    assert.is(accepted.body.sealed, false, accepted.text);
    const trail = await sealed.call('GET', `sys/ledger/events?type=ledger.recovered`);
    const [event] = trail.body.data.events;
    assert.is(event.position, Number(size) + 1);
    assert.is(event.reason, 'restored from the backup');
    assert.equal(event.change, { lost_root: 'ab'.repeat(32), lost_size: Number(size) + 5, resumed_size: Number(size) });
    await sealed.program.nexus.seal();
    assert.is((await unseal()).status, 200);
    await sealed.program.nexus.seal();
  });

  test("another ledger's database is refused by a node that pinned its own", async () => {
    const pin = join(sealed.folder, 'ledger-id');
    copyFileSync(pin, `${pin}.kept`);
    writeFileSync(
      pin,
      `${readFileSync(pin, 'utf8')
        .trim()
        .replace(/^......../, '00000000')}\n`,
    );
    const reply = await unseal();
    assert.is(reply.status, 500);
    assert.match(reply.text, 'belongs to ledger');
    copyFileSync(`${pin}.kept`, pin);
    assert.is((await unseal()).status, 200);
  });
});
