/**
 * One attempt to log in, whatever the method: refused while the address pauses or the name is locked, counted and recorded
 * when it fails. A name that does not exist is locked like one that does.
 */
import type { Mount } from '../../authority/mounts.js';
import type { Uuid } from '../../crypto/bytes.js';
import { networkOf } from '../../domain/network.js';
import type { Failure } from '../../failure.js';
import type { LockoutRule } from '../../nexus/lockouts.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse } from '../app.js';
import { requestRecord } from '../authorise.js';
import type { RequestContext } from '../request.js';
import { lockoutRule } from './lockout-rule.js';

/** Why it failed, for the record: never what was sent. */
export type LoginFault =
  | 'credentials'
  | 'bound-cidr'
  | 'locked'
  | 'paused'
  | 'role'
  | 'token'
  | 'certificate'
  | 'claims';

export interface Attempting {
  readonly app: App;
  readonly session: Session;
  readonly context: RequestContext;
  readonly mount: Mount;
  /** Keyed id of the name that is tried: of a user, a role id, an address where the method has no name. */
  readonly name: Uuid;
}

export class Attempt {
  readonly #rule: LockoutRule;

  constructor(readonly of: Attempting) {
    this.#rule = lockoutRule(of.mount);
    const pause = of.app.nexus.loginAttempts.pauseSeconds(this.#address);
    if (pause > 0) this.refused('paused', { kind: 'too-many-attempts', retryAfterSeconds: pause });
    this.#refuseIfLocked();
  }

  /** Wrong: counts, and may lock. */
  wrong(why: LoginFault, message: string): never {
    const { nexus } = this.of.app;
    nexus.loginAttempts.failed(this.#address);
    nexus.lockouts.wrong(this.of.name, this.#rule);
    return this.refused(why, { kind: 'bad-credentials', message });
  }

  /** Right: what was counted is forgotten — unless guesses that ran beside this one locked the name meanwhile. */
  right(): void {
    this.#refuseIfLocked();
    const { nexus } = this.of.app;
    nexus.loginAttempts.succeeded(this.#address);
    nexus.lockouts.right(this.of.name);
  }

  /** Refused and recorded, without counting: nothing was guessed. */
  refused(why: LoginFault, failure: Failure): never {
    const { app, session, context, mount } = this.of;
    session.recorder.record({
      ...requestRecord(app, context, 'auth.login', null, session),
      via: { method: mount.type, mount: mount.path },
      outcome: failure.kind === 'unauthenticated' ? 'denied' : 'failed',
      reason_code: why,
      status: STATUS[failure.kind] ?? 400,
    });
    return refuse(failure);
  }

  get #address(): string {
    return `login address ${networkOf(this.of.context.from.address)}`;
  }

  #refuseIfLocked(): void {
    if (this.#rule.threshold > 0 && this.of.app.nexus.lockouts.locked(this.of.name))
      this.refused('locked', { kind: 'unauthenticated' });
  }
}

const STATUS: Readonly<Partial<Record<Failure['kind'], number>>> = {
  unauthenticated: 403,
  'too-many-attempts': 429,
  upstream: 502,
};
