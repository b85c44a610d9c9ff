/** The server's own state: status, init with its one-time code, unseal, seal. */
import { constantTimeEqual, wipe } from '../crypto/bytes.js';
import { randomBase62 } from '../crypto/random.js';
import type { Header } from '../domain/header.js';
import { networkOf } from '../domain/network.js';
import type { Failure } from '../failure.js';
import { E } from '../fp.js';
import { passwordComplaint } from '../keys/common-passwords.js';
import { triedName } from '../nexus/attempts.js';
import { readIfThere } from '../nexus/durable-file.js';
import { initLedger } from '../nexus/init.js';
import { type App, refuse } from './app.js';
import { authoriseCommand, circumstances, requestRecord } from './authorise.js';
import type { Delivered } from './custody/contract.js';
import { delivered, recipientsOf } from './custody/delivery.js';
import { renewSlot } from './custody/renew.js';
import { failureOf, operation, orRefuse } from './operation.js';
import type { RequestContext } from './request.js';
import type { SealStatus, SysOperations } from './system/contract.js';

/** The code that init asks of callers who are not on this machine: shown once, on the server's console. */
export class InitCode {
  readonly #code = randomBase62(20);

  get shown(): string {
    return this.#code;
  }

  is(code: string): boolean {
    return constantTimeEqual(Buffer.from(code.padEnd(64).slice(0, 64)), Buffer.from(this.#code.padEnd(64)));
  }
}

type Sys = Pick<SysOperations, 'status' | 'init' | 'unseal' | 'seal'>;

export const sysOperations = (app: App, initCode: InitCode): Sys => ({
  status: () => async () => {
    try {
      return E.right(await sealStatus(app));
    } catch (error) {
      return E.left(failureOf('asking for the status', error));
    }
  },

  init: operation('initialising', (context, input) =>
    app.nexus.exclusive(async () => {
      if (await app.nexus.initialised()) refuse({ kind: 'already-initialised' });
      const pinned = await readIfThere(app.nexus.ports.files.ledgerId);
      if (pinned !== null)
        refuse({
          kind: 'invalid',
          message: `this node belongs to ledger ${pinned.trim()}, which is not in this database: connect the right one, or use another data folder`,
        });
      checkCode(app, context, input.initCode, initCode);
      if (!app.nexus.ports.erasureKeysChosen)
        refuse({
          kind: 'invalid',
          message:
            'say first where erasure keys are kept: start the server with TALLYSTICK_ERASURE_KEY=file:PATH (outside every backup of the database), a key service, or none (nothing is erased before its last backup is)',
        });
      const { adminName: name, adminPassword: password } = input;
      const admin = name === null || password === null ? null : { name, password };
      if (admin === null && input.shares === null)
        refuse({
          kind: 'invalid',
          message: 'give secret_shares and secret_threshold, or admin_name and admin_password',
        });
      if (admin !== null && !/^[\w.@-]{1,64}$/.test(admin.name))
        refuse({ kind: 'invalid', message: 'admin_name has 1 to 64 letters, digits, dots, dashes, underscores or @' });
      const complaint = admin === null ? null : passwordComplaint(admin.password);
      if (complaint !== null) refuse({ kind: 'invalid', message: complaint });
      const recipients = await recipientsOf(input.recipients);
      const [ofToken] = await recipientsOf({ pgpKeys: textOrNone(input.rootTokenPgpKey), age: [] });
      let keys: readonly Delivered[] = [];
      let encryptedToken: string | null = null;
      const made = await initLedger(app.nexus.ports, {
        ...{ admin, shares: input.shares, keyFile: null },
        handOver: async (shares, rootToken) => {
          keys = await delivered(shares, recipients);
          encryptedToken = ofToken === undefined ? null : (await ofToken.encrypt(rootToken)).toString('base64');
        },
      });
      if (made === null) return refuse({ kind: 'already-initialised' });
      wipe(...made.shares);
      return { keys, rootToken: encryptedToken ?? made.rootToken };
    }),
  ),

  unseal: operation('unsealing', async (context, input) => {
    const { attempts } = app.nexus;
    if ('reset' in input) {
      if (app.nexus.session !== null) refuse({ kind: 'invalid', message: 'vault is unsealed' });
      app.nexus.shares.reset();
      return sealStatus(app);
    }
    const guesses = [
      `unseal address ${networkOf(context.from.address)}`,
      ...('name' in input ? [triedName('unseal', input.name)] : []),
    ];
    const wasSealed = app.nexus.session === null;
    const paused = (): Failure | null => {
      const pause = wasSealed ? attempts.pauseSeconds(...guesses) : 0;
      return pause > 0 ? { kind: 'too-many-attempts', retryAfterSeconds: pause } : null;
    };
    const refusal = paused();
    if (refusal !== null) refuse(refusal);
    const { acceptRollback, ...opener } = input;
    const answer = await app.nexus.unseal({
      ...opener,
      ...(acceptRollback ? { acceptRollback: recoveredHeader(app, context, input) } : {}),
      unless: paused,
    });
    const failed = answer._tag === 'Left';
    if (failed && answer.left.kind === 'too-many-attempts') refuse(answer.left);
    const waits = !failed && app.nexus.session === null;
    // A share that is not the last opens nothing: who gave it is recorded nowhere.
    if (waits) return sealStatus(app);
    if (wasSealed) recordTry(app, context, failed ? answer.left.kind : null);
    if (failed && answer.left.kind === 'bad-credentials') attempts.failed(...guesses);
    orRefuse(answer);
    attempts.succeeded(...guesses);
    const { session } = app.nexus;
    if (wasSealed && session !== null && 'name' in input)
      await renewSlot(app, session, context, {
        slot: session.authority.slotNamed(input.name),
        password: input.password,
      });
    return sealStatus(app);
  }),

  seal: operation('sealing', async context => {
    const { session } = app.nexus;
    if (session === null) return null;
    // Nothing is appended, so that nobody asks again at the head; and a server is sealed without its database, too.
    await session.reader.refresh().catch(() => undefined);
    const caller = await authoriseCommand(app, session, context, { op: 'sys.seal', capability: 'update' });
    session.recorder.record({
      ...requestRecord(app, context, 'sys.seal', caller.token, session),
      outcome: 'ok',
      status: 204,
    });
    await app.nexus.seal();
    return null;
  }),
});

const textOrNone = (text: string | null): readonly string[] => (text === null ? [] : [text]);

/** No policy rules here: the key or the password is the proof. */
const recoveredHeader = (app: App, context: RequestContext, opener: { key: Buffer } | { name: string }): Header => ({
  ...{ v: 1, at: app.nowMs() * 1000, op: 'sys.unseal', path: context.path },
  actor: { id: null, kind: 'person' },
  via: { method: 'name' in opener ? 'userpass' : 'key' },
  ...circumstances(app, context),
  ...('name' in opener ? { accepted_by: opener.name } : {}),
});

const checkCode = (app: App, context: RequestContext, given: string | null, code: InitCode): void => {
  const { attempts } = app.nexus;
  const guess = `init address ${networkOf(context.from.address)}`;
  const pause = attempts.pauseSeconds(guess);
  if (pause > 0) refuse({ kind: 'too-many-attempts', retryAfterSeconds: pause });
  if (given === null && context.from.loopback) return;
  if (given !== null && code.is(given)) return;
  attempts.failed(guess);
  refuse({
    kind: 'bad-credentials',
    message: 'init_code is needed from another machine: it is the one-time code that the server printed at its start',
  });
};

const recordTry = (app: App, context: RequestContext, failed: string | null): void => {
  app.nexus.record({
    v: 1,
    at: app.nowMs() * 1000,
    op: 'sys.unseal',
    path: 'sys/unseal',
    ...circumstances(app, context),
    outcome: failed === null ? 'ok' : 'failed',
    ...(failed === null ? {} : { reason_code: failed }),
  });
};

export const sealStatus = async (app: App): Promise<SealStatus> => {
  const initialised = await app.nexus.initialised();
  const { session } = app.nexus;
  const split = initialised ? await app.nexus.split() : null;
  return {
    initialised,
    sealed: session === null,
    threshold: initialised ? (split?.threshold ?? 1) : 0,
    shares: initialised ? (split?.shares ?? 1) : 0,
    progress: app.nexus.shares.count,
    nonce: app.nexus.shares.nonce,
    version: app.programVersion,
    ledgerId: session?.custody.ledgerId ?? null,
    degraded: app.nexus.degraded,
  };
};
