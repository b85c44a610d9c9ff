/** Starts the server's programs: as the right user, with their libraries, without core files, in a process group of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Identity } from './server-identity.js';

export type Launch = (program: string, args: readonly string[], cwd: string, output: number | 'pipe') => ChildProcess;

/**
 * A core file would hold what the server had in memory, so none is written. The library path is set inside, because setpriv
 * and sh are not the programs it is meant for (and macOS strips it from what it hands to its own shell).
 */
const SHELL =
  'ulimit -c 0; LD_LIBRARY_PATH="$1"; DYLD_LIBRARY_PATH="$1"; export LD_LIBRARY_PATH DYLD_LIBRARY_PATH; shift; exec "$@"';

export const launcher =
  (identity: Identity | null, libraries: string): Launch =>
  (program, args, cwd, output) => {
    const command = ['/bin/sh', '-c', SHELL, 'sh', libraries, program, ...args];
    const [file = '', ...rest] =
      identity?.capability == null ? command : [...withCapability(identity, identity.capability), ...command];
    return spawn(file, rest, {
      cwd,
      // A Ctrl-C in the terminal is for our program, which then stops the server in order.
      detached: true,
      stdio: ['ignore', output, output],
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
      // libuv drops supplementary groups when it sets a user.
      ...(identity === null || identity.capability !== null ? {} : { uid: identity.uid, gid: identity.gid }),
    });
  };

const withCapability = ({ uid, gid }: Identity, capability: string): string[] => {
  const only = `-all,+${capability}`;
  // access(2), by which initdb looks for its programs, disregards capabilities of others than root without that bit.
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--securebits=+no_setuid_fixup',
    `--inh-caps=${only}`,
    `--ambient-caps=${only}`,
    `--bounding-set=${only}`,
  ];
};
