/** `exec:` with real programs: what goes in, what comes out, and what becomes of one that is slow, loud or wrong. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { cloudKms } from '../../src/kms/cloud.js';
import type { Kms } from '../../src/kms/kms.js';
import { openKms } from '../../src/kms/open.js';
import { describe } from '../support/describe.js';
import { refusalOf } from './support/refusal.js';

describe('a program that wraps and unwraps', test => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-exec-'));
  const key = randomBytes(32);
  const program = (body: string, more = ''): Kms => {
    const path = join(folder, `p${randomBytes(4).toString('hex')}`);
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o700);
    const kms = openKms(`exec:${path}${more}`);
    if (kms._tag === 'Left') throw new Error(kms.left);
    return kms.right;
  };
  test.after(() => rmSync(folder, { recursive: true, force: true }));

  test('gets its fixed arguments, the verb, the bytes, and no setting of ours', async () => {
    const [seen, environment] = [join(folder, 'seen'), join(folder, 'environment')];
    const kms = program(
      `echo "$@" >> ${seen}; env >> ${environment}; tr '\\000-\\377' '\\001-\\377\\000'`,
      '?arg=--key&arg=prod%20key',
    );
    const wrapped = await kms.wrap(key);
    assert.is(wrapped.equals(key), false);
    assert.is(readFileSync(seen, 'utf8'), '--key prod key wrap\n');
    const names = readFileSync(environment, 'utf8')
      .split('\n')
      .map(line => line.split('=')[0]);
    assert.equal(
      names.filter(name => !/^(?:PATH|LANG|PWD|OLDPWD|SHLVL|_|)$/.test(name ?? '')),
      [],
    );
  });

  test('undoes what it did', async () => {
    const rot = "tr '\\000-\\377' '\\001-\\377\\000'";
    const back = "tr '\\001-\\377\\000' '\\000-\\377'";
    const kms = program(`if [ "$1" = wrap ]; then ${rot}; else ${back}; fi`);
    assert.ok(key.equals(await kms.unwrap(await kms.wrap(key))));
  });

  test('that gives anything but 32 bytes gives no key', async () => {
    assert.match((await refusalOf(program('head -c 31').unwrap(key))).message, /not a key of 32 bytes/);
    assert.match((await refusalOf(program('true').wrap(key))).message, /1 to 16384 bytes/);
  });

  test('that writes without end is ended', async () => {
    assert.match((await refusalOf(program('cat /dev/zero').unwrap(key))).message, /more than 16384 bytes/);
  });

  test('that does not end is ended, with what it started', async () => {
    const pid = join(folder, 'pid');
    const { trouble, message } = await refusalOf(program(`sleep 30 & echo $! > ${pid}; wait`, '#timeout=1').wrap(key));
    assert.is(trouble, 'away');
    assert.match(message, /within 1 s/);
    const stateOf = (): string =>
      spawnSync('ps', ['-o', 'stat=', '-p', readFileSync(pid, 'utf8').trim()]).stdout.toString();
    for (let tries = 0; tries < 50 && /^[^Z]/.test(stateOf()); tries += 1);
    assert.match(stateOf(), /^(?:Z|$)/);
  });

  for (const [code, trouble] of [
    [75, 'away'],
    [77, 'denied'],
    [1, 'refused'],
  ] as const)
    test(`that ends with ${code} is ${trouble}`, async () => {
      assert.is((await refusalOf(program(`exit ${code}`).unwrap(key))).trouble, trouble);
    });

  test('that is not there is named', async () => {
    const kms = openKms(`exec:${join(folder, 'none')}`);
    if (kms._tag === 'Left') throw new Error(kms.left);
    assert.match((await refusalOf(kms.right.wrap(key))).message, /cannot be started/);
  });
});

describe('a key of a cloud', test => {
  const key = randomBytes(32);

  test('says which package is missing', async () => {
    for (const [uri, name] of [
      ['aws-kms:arn:aws:kms:eu-west-1:111122223333:key/k', '@aws-sdk/client-kms'],
      ['gcp-kms:projects/p/locations/l/keyRings/r/cryptoKeys/k', '@google-cloud/kms'],
      ['azure-kms:https://v.vault.azure.net/keys/k', '@azure/keyvault-keys @azure/identity'],
    ] as const)
      assert.match((await refusalOf(cloudKms(uri).wrap(key))).message, new RegExp(`npm install ${name}$`));
  });

  test('is called as its package is, and its troubles are told apart', async () => {
    let trouble: Error | null = null;
    class Encrypt {
      constructor(readonly input: { Plaintext: Buffer; KeyId: string }) {}
    }
    class Decrypt {
      constructor(readonly input: { CiphertextBlob: Buffer; KeyId: string }) {}
    }
    class KMSClient {
      constructor(readonly settings: { region: string }) {}
      async send(command: Encrypt | Decrypt): Promise<object> {
        if (trouble !== null) throw trouble;
        assert.is(this.settings.region, 'eu-west-1');
        return command instanceof Encrypt
          ? { CiphertextBlob: Uint8Array.from([1, ...command.input.Plaintext]) }
          : { Plaintext: Uint8Array.from(command.input.CiphertextBlob.subarray(1)) };
      }
    }
    const load = async () => ({ KMSClient, EncryptCommand: Encrypt, DecryptCommand: Decrypt });
    const kms = cloudKms('aws-kms:arn:aws:kms:eu-west-1:111122223333:key/k', load);
    assert.ok(key.equals(await kms.unwrap(await kms.wrap(key))));
    for (const [name, word] of [
      ['AccessDeniedException', 'denied'],
      ['InvalidCiphertextException', 'refused'],
      ['ThrottlingException', 'away'],
    ] as const) {
      trouble = Object.assign(new Error('said'), { name });
      assert.is((await refusalOf(kms.wrap(key))).trouble, word);
    }
  });
});
