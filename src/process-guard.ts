/**
 * What the process itself could give away: an inspector, a core file, a diagnostic report, code that somebody loads before
 * ours. `tally server` and `tally projector` refuse to run where such a door was opened on purpose, and every program closes
 * those that can be closed from inside.
 */
import { writeFileSync } from 'node:fs';

/** Options of Node that open memory, write it to files, load foreign code, or log what crosses a socket. */
const OPENS =
  /^--?(?:inspect|debug|r$|require|import|loader|experimental-loader|heapsnapshot|heap-prof|cpu-prof|prof$|report|abort-on-uncaught-exception|tls-keylog|trace-tls|expose-internals|allow-natives-syntax|perf-)/;
/** Variables of Node with the same effect. */
const VARIABLES = ['NODE_DEBUG', 'NODE_V8_COVERAGE'] as const;

/** A sentence that says which option or variable has to go; null when nothing is open. */
export const openDoor = (environment = process.env, execArgv: readonly string[] = process.execArgv): string | null => {
  // Node takes underscores for dashes in an option's name, and quotes and backslashes anywhere in the variable.
  const options = [...execArgv, ...(environment.NODE_OPTIONS ?? '').split(/\s+/)].map(option =>
    option.replace(/["\\]/g, '').replaceAll('_', '-'),
  );
  const option = options.find(each => OPENS.test(each))?.replace(/=.*$/s, '');
  if (option !== undefined)
    return `node runs with ${option}, which opens this process to others: take it out of the command or of NODE_OPTIONS`;
  const variable = VARIABLES.find(name => (environment[name] ?? '') !== '');
  if (variable !== undefined) return `${variable} is set, which writes down what this process does: unset it`;
  if (environment.NODE_TLS_REJECT_UNAUTHORIZED === '0')
    return 'NODE_TLS_REJECT_UNAUTHORIZED=0 lets anybody be the database or the key service: unset it';
  return null;
};

/** Closes what can be closed from inside, for this process and those it starts. */
export const closeDoors = (): void => {
  // Node opens its inspector on this signal unless somebody listens to it.
  process.on('SIGUSR1', () => {});
  if (process.report !== undefined)
    for (const name of ['reportOnFatalError', 'reportOnSignal', 'reportOnUncaughtException'] as const)
      process.report[name] = false;
  try {
    // Linux: a core file holds no mapping of ours, whatever its size may be.
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // Elsewhere, and where /proc is not ours: the limit on core files is what there is.
  }
};
