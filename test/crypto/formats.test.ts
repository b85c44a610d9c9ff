/** Every vector of formats.md §10: the bytes that are written for ever. A failure here is a format that was broken. */
import * as assert from 'uvu/assert';
import { argon2id } from '../../src/crypto/argon2.js';
import { open, type Provider, type Suite, seal } from '../../src/crypto/box.js';
import { concat, label } from '../../src/crypto/bytes.js';
import { encodeFacts } from '../../src/crypto/cbor.js';
import { dayKey } from '../../src/crypto/day-key.js';
import {
  authorityChain,
  bodyHash,
  entry,
  eventHash,
  factsHash,
  headerHash,
  headMac,
  leafHash,
  namesHash,
  rowMac,
  type SealedParts,
  sealedHash,
  sealInput,
} from '../../src/crypto/event-hash.js';
import { idempotentEventId, secretIdHash, tokenHash } from '../../src/crypto/ids.js';
import { encodeNames, stream } from '../../src/crypto/names.js';
import { pad, pad32 } from '../../src/crypto/padding.js';
import { sha256, tagBytes } from '../../src/crypto/prf.js';
import { loginVerifier, slotKek } from '../../src/crypto/slot-key.js';
import { wrappingKey } from '../../src/crypto/term.js';
import { describe } from '../support/describe.js';
import * as given from './support/given.js';
import { hex, ledger } from './support/given.js';

const BODY = pad(Buffer.from('{"password":"hunter2"}'));

const sealBody = (suite: Suite, provider: Provider = 'native'): Buffer =>
  seal('body', given.dataKey, ledger, given.contextOfBody, BODY, { suite, provider, salt: given.salt });

const body = sealBody(1);
const header = seal('header', given.todaysKey, ledger, given.contextOfHeader, pad(Buffer.from('{"v":1}')), {
  salt: given.salt,
});
const nameBox = seal('name', given.nameKey, ledger, given.contextOfName, pad32(Buffer.from('db')), {
  salt: given.salt,
});
const names = encodeNames([{ node: given.db, parent: given.team, box: nameBox }]);

const facts = { version: 1 };
const parts = given.eventWith({
  headerHash: headerHash(header),
  namesHash: namesHash(names),
  bodyHash: bodyHash(body),
  bodyLen: body.length,
});
const bodyless: SealedParts = {
  ...parts,
  type: 'secret.removed',
  actor: null,
  keyId: null,
  namesHash: null,
  bodyKind: 0,
  bodyLen: 0,
  bodyHash: null,
};
const sealed = sealedHash(ledger, parts);
const event = eventHash(1, factsHash(facts), sealed);
const leafData = entry(ledger, given.position, given.recordedAt, event);
const leaf = leafHash(leafData);
const chain = authorityChain(Buffer.alloc(32), leaf);

const uuidHex = (uuid: string): string => uuid.replaceAll('-', '');

describe('the vectors of names and ids', test => {
  test('mount index key', () => {
    assert.is(hex(given.mountKey), '99fc41710e5cac542e186a18e6881445cf9a836547d768a084fb6782611ed415');
  });
  test('the node of team', () => {
    assert.is(uuidHex(given.team), 'b1d37b0f9b326973244342ae4b6ad3dc');
  });
  test('the node of team/db', () => {
    assert.is(uuidHex(given.db), 'a0aba2b0eaf9cec18c0101196ce63ce3');
  });
  test('the stream of a policy', () => {
    assert.is(uuidHex(stream(given.indexKey, ledger, 'policy', 'ops')), '2d59f60818b3d55c0a5da73d319727b0');
  });
  test('token hash', () => {
    assert.is(
      hex(tokenHash(given.tokenKey, ledger, `hvs.${'A'.repeat(24)}`)),
      'f16bf73a3aca3fdcf10651b2ce521d48bf46571d0061bf6ca6a6ce58a5955e03',
    );
  });
  test('secret id hash', () => {
    assert.is(
      hex(secretIdHash(given.tokenKey, ledger, given.db, 'A'.repeat(36))),
      '67076cbeb2321cfff25c4361a9eeca9d82a263f8603fe039999ccd02d9a6122f',
    );
  });
  test('event id of an idempotency key', () => {
    const request = { actor: given.actor, method: 'POST', node: given.db, key: 'abc', index: 0 };
    assert.is(uuidHex(idempotentEventId(given.eventIdKey, ledger, request)), 'a1ae2bf14b1e899cb38709d32ae62e31');
  });
});

describe('the vectors of the sealed box', test => {
  test('body context, behind its label and the ledger id', () => {
    assert.is(
      hex(concat(label('body'), ledger, given.contextOfBody)),
      '1274616c6c79737469636b2f76312f626f6479101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2fa0aba2b0eaf9cec18c0101196ce63ce3303132333435363738393a3b3c3d3e3f0e7365637265742e7772697474656e',
    );
  });
  for (const provider of ['native', 'noble'] as const) {
    test(`body box of suite 1, by the ${provider} provider`, () => {
      const box = sealBody(1, provider);
      assert.is(box.length, 329);
      assert.is(hex(box.subarray(25, 57)), '33840e3662ecd8101c998191ec8987c8bc5f3632adab20fef51dbe0d4d786f0f');
      assert.is(hex(box.subarray(-16)), '9d57ef781cb7f7b8f64edc6b3c75ea28');
      assert.is(hex(sha256(box)), 'd6123fa2c69e53820c2ea18fcb300d17a9089761e87bdb702d76b54a430ff679');
    });
    test(`body box of suite 2, by the ${provider} provider`, () => {
      assert.is(hex(sha256(sealBody(2, provider))), '920f8e042ff6c643c80812085cf4f3986f2153b15def3c76b64dc03c69e42d6f');
    });
    test(`both open again, by the ${provider} provider`, () => {
      for (const suite of [1, 2] as const)
        assert.equal(open('body', given.dataKey, ledger, given.contextOfBody, sealBody(suite), { provider }), BODY);
    });
  }
  test('day key', () => {
    assert.is(
      hex(dayKey(given.headerKey, ledger, given.epoch, given.day)),
      'dde2e9bbd2404fbfc0b0631d376ee0a8a0beae1b6b64104628d87413ecebfb2f',
    );
  });
  test('header box', () => {
    assert.is(hex(sha256(header)), '5702fd2fea8b21e495651b3625c7ff073129fc4486ad470ff6196a4be1cd42bd');
  });
  test('name box', () => {
    assert.is(hex(sha256(nameBox)), 'aead16487881d964e9f45c0ea2c14e8bc1aac89e50aeaee481c1b29be4e0a28d');
  });
  for (const [plain, padded] of [
    [0, 256],
    [252, 256],
    [253, 512],
    [4092, 4096],
    [4093, 4352],
    [10_000, 10_240],
    [1_048_576, 1_081_344],
  ] as const)
    test(`${plain} bytes are padded to ${padded}`, () => {
      assert.is(pad(Buffer.alloc(plain)).length, padded);
    });
});

describe('the vectors of an event', test => {
  test('facts', () => {
    assert.is(hex(encodeFacts(facts)), 'a16776657273696f6e01');
  });
  test('facts of every kind, sorted by their encoded keys', () => {
    const all = {
      versions: [1, 2, 300],
      deletion_time: given.recordedAt,
      cas_required: true,
      batch: '00112233-4455-6677-8899-aabbccddeeff',
    };
    assert.is(
      hex(encodeFacts(all)),
      'a4656261746368782430303131323233332d343435352d363637372d383839392d6161626263636464656566666876657273696f6e7383010219012c6c6361735f7265717569726564f56d64656c6574696f6e5f74696d651b0006445941624000',
    );
  });
  test('body hash', () => {
    assert.is(hex(bodyHash(body)), '3232b93de3bf348617a739d3d41827a63361d03cbca830afeeb5355f129e253a');
  });
  test('header hash', () => {
    assert.is(hex(headerHash(header)), '0da2acbcbf069fa81c1a2b1e5fad8c89bc1ab45469e9f5244ecfedafbde01c65');
  });
  test('names hash', () => {
    assert.is(hex(namesHash(names)), 'eaf2e66ef03cc34b1c4b5d34a2601365d2ee51efbd1316ee09b65e89c4abbfc8');
  });
  test('facts hash', () => {
    assert.is(hex(factsHash(facts)), 'b5617dd247b5f052ffbd455cfa218426904801429c33a8b562f9ac7d499bccb3');
  });
  test('seal input, behind its tag', () => {
    const input = concat(tagBytes('seal1'), sealInput(ledger, parts));
    assert.is(input.length, 227);
    assert.is(
      hex(input),
      '74616c6c79737469636b2f7365616c31101112131415161718191a1b1c1d1e1f8d50202122232425262728292a2b2c2d2e2f50a0aba2b0eaf9cec18c0101196ce63ce36e7365637265742e7772697474656e0050505152535455565758595a5b5c5d5e5f01194e2050303132333435363738393a3b3c3d3e3f58200da2acbcbf069fa81c1a2b1e5fad8c89bc1ab45469e9f5244ecfedafbde01c655820eaf2e66ef03cc34b1c4b5d34a2601365d2ee51efbd1316ee09b65e89c4abbfc80119014958203232b93de3bf348617a739d3d41827a63361d03cbca830afeeb5355f129e253a',
    );
  });
  test('sealed hash', () => {
    assert.is(hex(sealed), '04c63f238c169ee1ecc76cb8b936c40bfb17a9cce059262c934934b59056bfe2');
  });
  test('event hash', () => {
    assert.is(hex(event), 'cf24d8c4bbd2928b6a9389d8dc0f44e00e1a802019826783f31a24253f3c9213');
  });
  test('entry', () => {
    assert.is(leafData.length, 80);
    assert.is(
      hex(leafData),
      '74616c6c79737469636b2f6c65616631101112131415161718191a1b1c1d1e1f00000000000000070006445941624000cf24d8c4bbd2928b6a9389d8dc0f44e00e1a802019826783f31a24253f3c9213',
    );
  });
  test('leaf', () => {
    assert.is(hex(leaf), '68093b06e82672e054df2116fc3bda4152ba24a8e51827943d038002153df7cf');
  });
  test('row MAC', () => {
    assert.is(
      hex(rowMac(given.rowKey, ledger, leaf)),
      '9f9e35e4c310e936af3b762bbb8a0ce5f56efd6417b82a903cd1b5f754287113',
    );
  });
  test('an event without body, names and actor', () => {
    assert.is(
      hex(concat(tagBytes('seal1'), sealInput(ledger, bodyless))),
      '74616c6c79737469636b2f7365616c31101112131415161718191a1b1c1d1e1f8d50202122232425262728292a2b2c2d2e2f50a0aba2b0eaf9cec18c0101196ce63ce36e7365637265742e72656d6f76656400f601194e20f658200da2acbcbf069fa81c1a2b1e5fad8c89bc1ab45469e9f5244ecfedafbde01c65f60000f6',
    );
    assert.is(hex(sealedHash(ledger, bodyless)), 'ca1ba899129ceb6528016c968e7b2dbaaab5a34051bebf0e27687318500b7ce5');
  });
  test('authority chain', () => {
    assert.is(hex(chain), '66125b606c5bc6f3a372bd7df082e04b01ef526f6fb0354aac6a60d290467419');
  });
  test('head MAC', () => {
    const head = {
      epoch: 1,
      size: 1,
      root: leaf,
      lastRecordedAt: given.recordedAt,
      authorityCount: 1,
      authorityChain: chain,
      keyringGeneration: 1,
      frontier: leaf,
    };
    assert.is(
      hex(headMac(given.rowKey, ledger, head)),
      'c06cb70f72c0918ffe12eacabe9a6cf29a8c84bdd67a3f506d23baee9cc53786',
    );
  });
});

describe('the vectors of the key store', test => {
  test('wrapping key of term 3', () => {
    assert.is(
      hex(wrappingKey(given.erasureKey, ledger, 3, given.share)),
      'c3b4030f6cbc19ca1849d872b20a50b102924e4b91535a143c9e624473ba6e33',
    );
  });
  test('slot KEK', () => {
    assert.is(
      hex(slotKek(given.ikm, ledger, given.slotId)),
      '0b5d7f2d218b04502bd0fc5c03bb07a942cf6a51db3b39c25e2b722f8b01d9a2',
    );
  });
  test('login verifier', () => {
    assert.is(
      hex(loginVerifier(given.ikm, ledger, given.slotId)),
      'adf3655bf565f46085634c00070aefb289356e94b78e26e8d309bf3ad67e3b0c',
    );
  });
  test('Argon2id with a pepper', async () => {
    const derived = await argon2id('correct horse battery staple', {
      salt: Buffer.alloc(16, 1),
      secret: Buffer.alloc(32, 2),
      memoryKib: 19_456,
      iterations: 2,
      parallelism: 1,
    });
    assert.is(hex(derived), '906886a94cb3a72168188a4ec9de5c4ba7a969870949fa1db00f92cfc1b79d84');
  });
});
