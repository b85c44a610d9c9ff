/**
 * A new root token, when the old one is gone or was revoked: enough holders of shares agree (vault-wire.md §7.6). It leaves
 * the server XORed with a one-time pad, or encrypted to somebody's PGP key, so that the last who gives a share does not see it.
 */
import { newToken } from '../../crypto/ids.js';
import { randomBase62, randomUuid4 } from '../../crypto/random.js';
import type { Recipient } from '../../crypto/recipients.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse } from '../app.js';
import { operation } from '../operation.js';
import type { RequestContext } from '../request.js';
import { createToken, loginToken } from '../tokens/index.js';
import { Attempt, admission } from './attempt.js';
import { type CustodyOperations, OTP_LENGTH, type RootStatus } from './contract.js';
import { recipientsOf } from './delivery.js';
import type { KeystoreActor } from './keystore-change.js';
import { Quorum, requireRoot, shareSlotOf } from './quorum.js';

const OP = 'operator.generate-root';

class RootAttempt {
  readonly nonce = randomUuid4();
  readonly quorum = new Quorum('generation');

  constructor(
    /** Null: the token is encrypted to `recipient`. */
    readonly otp: string | null,
    readonly recipient: Recipient | null,
  ) {}

  end(): void {
    this.quorum.forget();
  }
}

type RootOperations = Pick<CustodyOperations, 'rootStatus' | 'rootStart' | 'rootCancel' | 'rootUpdate'>;

export const generateRootOperations = (app: App, openRekey: boolean): RootOperations => {
  const attempt = new Attempt<RootAttempt>();
  const admit = admission(app, openRekey, attempt, OP);

  return {
    rootStatus: operation('asking for the root generation', context =>
      admit(context, async session => {
        const running = attempt.of(session);
        return { ...(await statusOf(session, running)), started: running !== null };
      }),
    ),

    rootStart: operation('starting a root generation', (context, { otp, pgpKey }) =>
      admit(context, async session => {
        if (attempt.of(session) !== null) invalid('root generation already in progress');
        if (otp !== null && pgpKey !== null) invalid('give otp or pgp_key, not both');
        if (otp !== null && Buffer.byteLength(otp) !== OTP_LENGTH) invalid('OTP string has incorrect length');
        await shareSlotOf(session);
        const [recipient = null] = await recipientsOf({ pgpKeys: pgpKey === null ? [] : [pgpKey], age: [] });
        const made = otp === null && recipient === null ? randomBase62(OTP_LENGTH) : null;
        const running = new RootAttempt(otp ?? made, recipient);
        attempt.begin(session, running);
        return { ...(await statusOf(session, running)), otp: made ?? '' };
      }),
    ),

    rootCancel: operation('cancelling a root generation', context =>
      admit(context, async () => {
        attempt.end();
        return null;
      }),
    ),

    rootUpdate: operation('generating a root token', (context, { key, nonce }) =>
      admit(context, async (session, actor) => {
        const running = attempt.of(session) ?? invalid('no root generation in progress');
        if (nonce !== running.nonce)
          invalid(`incorrect nonce supplied; nonce for this root generation operation is "${running.nonce}"`);
        const opened = await running.quorum.give(session.custody.ledger, await shareSlotOf(session), key);
        if (opened === null) return { complete: false, status: await statusOf(session, running), encodedToken: '' };
        requireRoot(session, opened);
        const token = newToken();
        // Before there is such a token: one that cannot be handed over must not exist.
        const encodedToken = await encoded(token, running);
        await issue(session, context, actor, token);
        const status = await statusOf(session, running);
        attempt.end();
        return { complete: true, status: { ...status, progress: status.required }, encodedToken };
      }),
    ),
  };
};

const invalid = (message: string): never => refuse({ kind: 'invalid', message });

const encoded = async (token: string, { otp, recipient }: RootAttempt): Promise<string> => {
  if (recipient !== null) return (await recipient.encrypt(token)).toString('base64');
  const pad = Buffer.from(otp ?? '', 'utf8');
  const hidden = Buffer.from(token, 'utf8').map((byte, i) => byte ^ (pad[i] ?? 0));
  return Buffer.from(hidden).toString('base64').replace(/=+$/, '');
};

const issue = async (session: Session, context: RequestContext, actor: KeystoreActor, token: string): Promise<void> => {
  const root = [...session.authority.entities.values()].find(({ kind }) => kind === 'root');
  if (root === undefined) return refuse({ kind: 'integrity', what: 'root entity', position: null });
  const wanted = loginToken({
    ...{ entity: root.id, policies: ['root'], displayName: 'root', creationPath: 'auth/token/root', method: 'root' },
    ...{ mount: null, noDefaultPolicy: true, forEver: true, renewable: false },
  });
  await createToken(wanted, {
    ...{ session, context, header: actor.header, id: token },
    check: view => (actor.allowed(view.recordedAt) ? null : { kind: 'unauthenticated' }),
  });
};

const statusOf = async (session: Session, running: RootAttempt | null): Promise<RootStatus> => ({
  nonce: running?.nonce ?? '',
  progress: running?.quorum.progress ?? 0,
  required: (await shareSlotOf(session)).split.threshold,
  fingerprint: running?.recipient?.fingerprint ?? '',
  otp: '',
});
