/**
 * Who the embedded server runs as. PostgreSQL refuses root, so a start as root drops to an unprivileged user. That user must be
 * able to walk to the binaries and to its data: the data folder lets its group through; for what lies in folders that are not
 * ours to open (a clone under root's closed home) one capability is left to the server, by setpriv.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UnusableDatabase } from './connection-url.js';

export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

export interface Identity extends ServerUser {
  /** The capability that is left to the server because it could not reach its files otherwise. */
  readonly capability: Capability | null;
}

/** To read and search any folder; to do that and run files that only their owner may. Numbers of <linux/capability.h>. */
type Capability = 'dac_read_search' | 'dac_override';
const NUMBER: Readonly<Record<Capability, bigint>> = { dac_override: 1n, dac_read_search: 2n };

/** Null when this process is not root: the server runs as the same user. `data`: whoever owns it already goes on. */
export const serverUser = (data: string): ServerUser | null => {
  if (process.getuid?.() !== 0) return null;
  const found = statSync(data, { throwIfNoEntry: false });
  return found !== undefined && found.uid !== 0 ? { uid: found.uid, gid: found.gid } : unprivileged();
};

const unprivileged = (): ServerUser => {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find(line => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (Number(uid) > 0 && Number(gid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  return { uid: 65_534, gid: 65_534 };
};

/** A folder of root's that nobody else may enter is opened to the server's group, to walk through and not to list. */
export const letThrough = (folder: string, user: ServerUser): void => {
  const { uid, mode } = statSync(folder);
  if (uid !== 0 || (mode & 0o077) !== 0) return;
  chownSync(folder, 0, user.gid);
  chmodSync(folder, 0o710);
};

/** `folders` have to be walked into; `native` holds the programs. Throws `UnusableDatabase` where nothing helps. */
export const identityFor = (user: ServerUser, folders: readonly string[], native: string): Identity => {
  const inside = ['', 'bin', 'lib', 'share'].map(name => join(native, name));
  const closed = [...folders, ...inside].find(folder => !mayWalk(folder, user));
  const runs = may(join(native, 'bin', 'postgres'), user, 0o5);
  if (closed === undefined && runs) return { ...user, capability: null };
  const enough: readonly Capability[] = runs ? ['dac_read_search', 'dac_override'] : ['dac_override'];
  const capability = setprivWorks() ? enough.find(heldCapability) : undefined;
  if (capability === undefined)
    throw new UnusableDatabase(
      `PostgreSQL does not run as root, and the user that it would run as (${user.uid}) cannot enter ${closed ?? native}: run as an ordinary user, or move the program and TALLYSTICK_DATA to folders that others may enter`,
    );
  return { ...user, capability };
};

const mayWalk = (folder: string, user: ServerUser): boolean => {
  for (let at = folder; ; at = dirname(at)) {
    if (!may(at, user, 0o1)) return false;
    if (at === dirname(at)) return true;
  }
};

/** `bits` as of one class of users: 4 read, 2 write, 1 run or walk through. */
const may = (path: string, { uid, gid }: ServerUser, bits: number): boolean => {
  const found = statSync(path);
  const shift = found.uid === uid ? 6 : found.gid === gid ? 3 : 0;
  return ((found.mode >> shift) & bits) === bits;
};

/** Containers commonly withhold the first of the two. */
const heldCapability = (capability: Capability): boolean => {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    return ['CapPrm', 'CapBnd'].every(set => {
      const held = BigInt(`0x${new RegExp(`^${set}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`);
      return ((held >> NUMBER[capability]) & 1n) === 1n;
    });
  } catch {
    return false;
  }
};

const setprivWorks = (): boolean => {
  try {
    return execFileSync('setpriv', ['--help'], { encoding: 'utf8' }).includes('ambient-caps');
  } catch {
    return false;
  }
};
