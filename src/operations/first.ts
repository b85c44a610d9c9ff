/**
 * What authorisation throws when something has to be recorded or known before it can answer: a use of a token that pays for
 * its requests, the names behind a policy's templates. The edge of every operation does it and begins again.
 */
export class First extends Error {
  override readonly name = 'First';

  constructor(
    what: string,
    readonly work: () => Promise<void>,
  ) {
    super(what);
  }
}
