/** From the tree of a policy's text to its rules; everything that is wrong with them is said with a path and a line. */
import { parseDuration } from '../domain/duration.js';
import { E } from '../fp.js';
import { arrangement, parsePattern } from './pattern.js';
import {
  bitOf,
  type CapabilitySet,
  isCapability,
  type Limits,
  NONE,
  type ParameterValues,
  type PathRule,
} from './policy.js';
import { type Member, type Node, type Plain, plain } from './text/tree.js';

/** Thrown here and turned into an answer by `parsePolicy`. */
export class RuleFault extends Error {
  override readonly name = 'RuleFault';

  constructor(
    message: string,
    readonly line: number,
  ) {
    super(message);
  }
}

export const RULES_MAX = 10_000;
/** Each is a branch that may be open at once while a path is looked up. Policies as people write them have a handful. */
export const ARRANGEMENTS_MAX = 32;

const TOP_LEVEL = ['name', 'path'];
const KEYS = [
  ...['capabilities', 'policy', 'allowed_parameters', 'denied_parameters', 'required_parameters'],
  ...['min_wrapping_ttl', 'max_wrapping_ttl', 'comment'],
];
/** Guards that exist elsewhere. To ignore one would grant what its author meant to hold back. */
export const NOT_ENFORCED = [
  ...['control_group', 'mfa_methods', 'expiration', 'pagination_limit'],
  ...['list_scan_response_keys_filter_path', 'subscribe_event_types'],
];
const SHORTHANDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['deny', ['deny']],
  ['read', ['read', 'list']],
  ['write', ['create', 'read', 'update', 'delete', 'list']],
  ['sudo', ['create', 'read', 'update', 'delete', 'list', 'sudo']],
]);

const membersOf = (node: Node): readonly Member[] => (node.kind === 'object' ? node.members : []);
const several = (faults: readonly string[]): string =>
  `${faults.length} error${faults.length === 1 ? '' : 's'} occurred:\n${faults.map(fault => `\t* ${fault}\n`).join('')}\n`;

/** Throws `RuleFault`. */
export const readRules = (root: Node, language: 'hcl' | 'json'): PathRule[] => {
  if (root.kind !== 'object') throw new RuleFault('does not contain a root object', root.at.line);
  unknownKeys(root.members, TOP_LEVEL, '');
  const rules: PathRule[] = [];
  const arrangements = new Set<string>();
  for (const member of root.members) {
    if (member.key === 'name') textOf(member.value, '"name"');
    else
      for (const [path, block] of pathBlocks(member, language)) {
        const rule = readRule(path, block);
        rules.push(rule);
        arrangements.add(arrangement(rule.pattern));
        if (rules.length > RULES_MAX) throw new RuleFault(`more than ${RULES_MAX} rules in one policy`, rule.line);
        if (arrangements.size > ARRANGEMENTS_MAX + 1)
          throw new RuleFault(
            `"+" stands in more than ${ARRANGEMENTS_MAX} different places: use fewer of them`,
            rule.line,
          );
      }
  }
  return rules;
};

const unknownKeys = (members: readonly Member[], known: readonly string[], prefix: string): void => {
  const unknown = members.filter(({ key }) => !known.includes(key));
  const first = unknown[0];
  if (first === undefined) return;
  const shown = unknown
    .slice(0, 10)
    .map(({ key, at }) => `${prefix}invalid key ${JSON.stringify(key)} on line ${at.line}`);
  throw new RuleFault(several(shown), first.at.line);
};

/** `path "a" { … }`, or in JSON an object (or a list of objects) whose keys are paths. */
const pathBlocks = (member: Member, language: 'hcl' | 'json'): [path: string, block: Node][] => {
  const { labels, value, at } = member;
  const [label, ...more] = labels;
  if (label !== undefined && more.length === 0) return [[label, value]];
  if (label !== undefined) throw new RuleFault('a "path" block has one label: the path', at.line);
  if (language === 'hcl') throw new RuleFault('a rule is written as: path "secret/data/app/*" { … }', at.line);
  return objectsIn(value, '"path"').flatMap(object =>
    membersOf(object).flatMap(({ key, value: inner }): [string, Node][] =>
      objectsIn(inner, `path ${JSON.stringify(key)}`).map(block => [key, block]),
    ),
  );
};

const objectsIn = (node: Node, what: string): readonly Node[] => {
  const nodes = node.kind === 'list' ? node.items : [node];
  for (const each of nodes)
    if (each.kind !== 'object') throw new RuleFault(`${what}: expected an object`, each.at.line);
  return nodes;
};

const readRule = (written: string, block: Node): PathRule => {
  const path = written.startsWith('/') ? written.slice(1) : written;
  const what = `path ${JSON.stringify(path)}`;
  const { line } = block.at;
  const members = membersOf(block);
  const refused = members.find(({ key }) => NOT_ENFORCED.includes(key));
  if (refused !== undefined)
    throw new RuleFault(
      `${what}: ${JSON.stringify(refused.key)} is not enforced by this server, so no rule may rely on it (line ${refused.at.line})`,
      refused.at.line,
    );
  unknownKeys(members, KEYS, `${what}: `);
  const fields = new Map<string, Node>();
  for (const { key, value, at, labels } of members) {
    if (labels.length > 0) throw new RuleFault(`${what}: ${JSON.stringify(key)} has no label`, at.line);
    if (fields.has(key)) throw new RuleFault(`${what}: ${JSON.stringify(key)} is given twice`, at.line);
    fields.set(key, value);
  }
  const pattern = parsePattern(path);
  if (E.isLeft(pattern)) throw new RuleFault(`${what}: ${pattern.left}`, line);
  const words = [
    ...shorthand(fields.get('policy'), what),
    ...wordsIn(fields.get('capabilities'), `${what}: "capabilities"`),
  ];
  const { deny, capabilities } = readCapabilities(words, what, line);
  const limits = readLimits(fields, what, line);
  return { path, line, pattern: pattern.right, deny, capabilities, limits: deny ? null : limits };
};

const shorthand = (node: Node | undefined, what: string): readonly string[] => {
  if (node === undefined) return [];
  const word = textOf(node, `${what}: "policy"`);
  const words = SHORTHANDS.get(word);
  if (words === undefined && word !== '')
    throw new RuleFault(`${what}: invalid policy ${JSON.stringify(word)}`, node.at.line);
  return words ?? [];
};

const readCapabilities = (words: readonly string[], what: string, line: number) => {
  let capabilities: CapabilitySet = NONE;
  let deny = false;
  for (const word of words)
    if (word === 'deny') deny = true;
    else if (isCapability(word)) capabilities |= bitOf(word);
    else throw new RuleFault(`${what}: invalid capability ${JSON.stringify(word)}`, line);
  return { deny, capabilities: deny ? NONE : capabilities };
};

const readLimits = (fields: ReadonlyMap<string, Node>, what: string, line: number): Limits | null => {
  const limits: Limits = {
    allowed: parameters(fields.get('allowed_parameters'), `${what}: "allowed_parameters"`),
    denied: parameters(fields.get('denied_parameters'), `${what}: "denied_parameters"`),
    required: wordsIn(fields.get('required_parameters'), `${what}: "required_parameters"`).map(name =>
      name.toLowerCase(),
    ),
    wrapTtlMsMin: duration(fields.get('min_wrapping_ttl'), 'min_wrapping_ttl'),
    wrapTtlMsMax: duration(fields.get('max_wrapping_ttl'), 'max_wrapping_ttl'),
  };
  const { allowed, denied, required, wrapTtlMsMin, wrapTtlMsMax } = limits;
  if (wrapTtlMsMin !== 0 && wrapTtlMsMax !== 0 && wrapTtlMsMax < wrapTtlMsMin)
    throw new RuleFault('max_wrapping_ttl cannot be less than min_wrapping_ttl', line);
  const asks = allowed.size + denied.size + required.length + wrapTtlMsMin + wrapTtlMsMax;
  return asks === 0 ? null : limits;
};

const parameters = (node: Node | undefined, what: string): ParameterValues => {
  const found = new Map<string, readonly Plain[]>();
  if (node === undefined) return found;
  for (const object of objectsIn(node, what))
    for (const { key, value } of membersOf(object)) {
      const name = key.toLowerCase();
      if (value.kind !== 'list') throw new RuleFault(`${what}: ${JSON.stringify(key)} must be a list`, value.at.line);
      if (found.has(name)) throw new RuleFault(`${what}: ${JSON.stringify(key)} is given twice`, value.at.line);
      found.set(name, value.items.map(plain));
    }
  return found;
};

const duration = (node: Node | undefined, key: string): number => {
  if (node === undefined) return 0;
  const value = node.kind === 'scalar' ? node.value : null;
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string')
    throw new RuleFault(`error parsing ${key}: expected a duration such as "1h"`, node.at.line);
  const ms = parseDuration(text);
  if (E.isLeft(ms)) throw new RuleFault(`error parsing ${key}: ${ms.left}`, node.at.line);
  if (ms.right < 0) throw new RuleFault(`error parsing ${key}: a duration cannot be negative`, node.at.line);
  return ms.right;
};

const textOf = (node: Node, what: string): string => {
  if (node.kind === 'scalar' && typeof node.value === 'string') return node.value;
  throw new RuleFault(`${what} must be a string`, node.at.line);
};

const wordsIn = (node: Node | undefined, what: string): string[] => {
  if (node === undefined) return [];
  if (node.kind !== 'list') throw new RuleFault(`${what} must be a list of strings`, node.at.line);
  return node.items.map(item => textOf(item, `every item of ${what}`));
};
