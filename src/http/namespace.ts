/** Namespaces (vault-wire.md §2.4): there is the root one, under any of its names. */
import { type Answer, errors } from './answer.js';

const ROOT = new Set(['', 'root']);
const ANYWHERE = new Set(['sys/seal-status', 'sys/leader']);
const CLUSTER =
  /^sys\/(?:init|seal|unseal|health|step-down|metrics|rekey\/.*|generate-root.*|raw\/.*|storage\/.*|pprof.*)$/;

/** Null: go on. */
export const namespaceRefusal = (path: string, header: string | undefined): Answer | null => {
  if (header === undefined || header === '' || ANYWHERE.has(path)) return null;
  if (CLUSTER.test(path)) return errors(400, 'operation unavailable in namespaces');
  return ROOT.has(header.replace(/^\/+|\/+$/g, '')) ? null : errors(404, 'namespace not found');
};
