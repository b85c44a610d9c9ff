/** What every operation stands on: Nexus with its session, the projections' reader, the clock and the node's identity. */
import type { Failure } from '../failure.js';
import type { Nexus } from '../nexus/nexus.js';
import type { Session } from '../nexus/session.js';

export interface App {
  readonly nexus: Nexus;
  readonly nodeId: string;
  readonly programVersion: string;
  readonly nowMs: () => number;
}

/** An operation's way out that is not success: thrown inside operations only, turned into a Left at their edge (`operation`). */
export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(readonly failure: Failure) {
    super(failure.kind);
  }
}

export const refuse = (failure: Failure): never => {
  throw new Refused(failure);
};

export const sessionOf = (app: App): Session => app.nexus.session ?? refuse({ kind: 'sealed' });
