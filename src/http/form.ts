/** The form of a request, asked before anything else of it (vault-wire.md §2.1, §2.5, §2.8): its verb, its path, its type. */
import type { IncomingMessage } from 'node:http';
import { type Answer, errors } from './answer.js';
import type { Verb } from './call.js';
import { goBoolean, type PathFault } from './path.js';

const VERBS: Readonly<Record<string, Verb | undefined>> = {
  GET: 'read',
  LINK: 'list',
  POST: 'write',
  PUT: 'write',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Asked before anybody knows who asks: only reading is offered, and not even the question what else is. */
const PLAIN = new Set(['sys/health', 'sys/seal-status', 'sys/leader']);

export const verbOf = ({ method = '' }: IncomingMessage, path: string, query: URLSearchParams): Verb | Answer => {
  if (method === 'HEAD') return path === 'sys/health' ? 'read' : errors(405);
  if (method === 'OPTIONS')
    return PLAIN.has(path) ? errors(405) : errors(400, 'cannot handle internal-only request operation');
  const verb = VERBS[method];
  if (verb === undefined) return errors(405);
  if (verb !== 'read') return verb;
  const [list, scan] = [goBoolean(query.get('list') ?? ''), goBoolean(query.get('scan') ?? '')];
  if (list === null || scan === null || (list && scan)) return errors(400);
  return list ? 'list' : scan ? 'scan' : 'read';
};

const MERGE_PATCH = 'application/merge-patch+json';

export const isMediaType = (text: string): boolean => /^[\w.+-]+\/[\w.+-]+ *(?:;.*)?$/.test(text);

/** Null: it is a merge patch. */
export const patchTypeComplaint = (contentType = ''): Answer | null => {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === MERGE_PATCH) return null;
  return isMediaType(type)
    ? errors(415, `PATCH requires Content-Type of ${MERGE_PATCH}, provided ${type}`)
    : errors(400, 'mime: no media type');
};

export const pathAnswer = (fault: PathFault): Answer => {
  switch (fault) {
    case 'outside':
      return errors(404);
    case 'relative':
      return errors(400, 'relative paths not supported');
    case 'bad-escape':
      return errors(400, 'the path holds a broken escape');
    case 'unprintable':
      return { status: 400, body: null };
    case 'too-long':
      return errors(414, 'the path is too long');
  }
};
