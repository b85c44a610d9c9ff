/** CPU that processes have used, from Linux's /proc: what limits a figure is said with it. Elsewhere nothing is said. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const TICK_US = 10_000;

interface Used {
  readonly parent: number;
  readonly micros: number;
}

/** Null: there is no such process, or no /proc. */
const used = (pid: number): Used | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), micros: (Number(fields[11]) + Number(fields[12])) * TICK_US };
  } catch {
    return null;
  }
};

/** µs of the process. */
export const cpuOf = (pid: number): number => used(pid)?.micros ?? 0;

/** µs of all backends of the embedded PostgreSQL in that data folder; those that ended are not in it. */
export const cpuOfPostgres = (dataFolder: string): number => {
  const file = join(dataFolder, 'postgres', 'data', 'postmaster.pid');
  if (!existsSync(file) || !existsSync('/proc')) return 0;
  const postmaster = Number(readFileSync(file, 'utf8').split('\n')[0]);
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .reduce((sum, name) => {
      const process = used(Number(name));
      return process?.parent === postmaster ? sum + process.micros : sum;
    }, 0);
};
