/**
 * The programs: `tally dev`, `tally server`, `tally projector`. Each composes, listens, and drains on a signal; the number
 * that it answers is the exit code.
 */

import { projections } from '../projections/index.js';
import { causeOf } from './cause.js';
import { type Flags, readConfig } from './config.js';
import { startDev } from './dev.js';
import { openGround } from './ground.js';
import { UnusableDatabase } from './postgres/connection-url.js';
import { DatabaseError } from './postgres/errors.js';
import { FolderInUse } from './postgres/folder-lock.js';
import { closeDoors, openDoor } from './process-guard.js';
import { createLogger, type Program, startProgram } from './program.js';
import { projectionParts } from './projection-parts.js';
import { startKeeper } from './workers/keeper.js';

const EXIT = { ok: 0, failure: 1, badInput: 3 } as const;

const LINGER_MS = 1000;

/** To the person at the console. */
export const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** The first SIGTERM or SIGINT drains, or ends a start as soon as it is one; a second one ends at once. */
const untilSignal = (): Promise<NodeJS.Signals> =>
  new Promise(resolve => {
    const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
    for (const name of signals)
      process.once(name, () => {
        process.once(name, () => process.exit(130));
        resolve(name);
      });
  });

/** Refuses on an open door, where one is a matter of production. */
const guarded = async (start: () => Promise<number>): Promise<number> => {
  const door = openDoor();
  if (door === null) return start();
  say(door);
  return EXIT.badInput;
};

/** With the settings decoded; what cannot be used is one sentence and an exit code. */
export const runWith = async (
  flags: Flags,
  work: (config: Parameters<typeof startProgram>[0]) => Promise<number>,
): Promise<number> => {
  closeDoors();
  const config = readConfig(flags);
  if (config._tag === 'Left') {
    say(config.left);
    return EXIT.badInput;
  }
  try {
    const code = await work(config.right);
    // Everything is closed by now; whatever still waits for a database that is gone must not hold the process.
    setTimeout(() => process.exit(code), LINGER_MS).unref();
    return code;
  } catch (error) {
    if (error instanceof UnusableDatabase || error instanceof FolderInUse) {
      say(error.message);
      return EXIT.badInput;
    }
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      say(`${config.right.host}:${config.right.port} is in use: stop what listens there, or set TALLYSTICK_LISTEN`);
      return EXIT.badInput;
    }
    // Our own words, with the database's code: never a URL.
    const cause = error instanceof DatabaseError ? error.message : causeOf(error);
    say(`the server could not start: ${cause}`);
    if (config.right.logLevel === 'debug' && error instanceof Error) say(error.stack ?? '');
    return EXIT.failure;
  }
};

/** Serves until a signal, or until the embedded database ends under it. */
const serveUntil = async (signal: Promise<NodeJS.Signals>, program: Program): Promise<number> => {
  const ended = await Promise.race([signal, program.databaseEnded.then(() => null)]);
  if (ended === null) say('the embedded PostgreSQL ended: stopping');
  await program.stop();
  return ended === null ? EXIT.failure : EXIT.ok;
};

export const runServer = (flags: Flags): Promise<number> =>
  guarded(() =>
    runWith(flags, async config => {
      const signal = untilSignal();
      const log = createLogger(config);
      const program = config.workers > 1 ? await startKeeper(config, flags, log) : await startProgram(config, log);
      say(`tallystick listens on ${program.address}`);
      const byItself = config.kms.length === 0 ? '' : ', unless a slot under a key of TALLYSTICK_KMS opens it';
      if (await program.nexus.initialised()) say(`sealed: unseal it with \`tally operator unseal\`${byItself}`);
      else
        say(
          `not initialised: run \`tally operator init\`; from another machine it asks for this one-time code: ${program.initCode}`,
        );
      return serveUntil(signal, program);
    }),
  );

export const runDev = (flags: Flags): Promise<number> =>
  runWith(flags, async config => {
    const signal = untilSignal();
    const log = createLogger({ ...config, logLevel: config.logLevel === 'info' ? 'warn' : config.logLevel });
    return serveUntil(signal, await startDev(config, log, say));
  });

export const runProjector = (flags: Flags): Promise<number> =>
  guarded(() =>
    runWith(flags, async config => {
      const signal = untilSignal();
      const log = createLogger(config);
      const ground = await openGround(config);
      const doorbell = ground.database.openDoorbell(cause => log.warn({ cause: causeOf(cause) }, 'doorbell'));
      const projector = projectionParts({ ...config, projectors: true }, ground.database, doorbell, projections, log);
      say('projecting');
      await signal;
      await projector.stop();
      await doorbell.close();
      await ground.stop();
      return EXIT.ok;
    }),
  );
