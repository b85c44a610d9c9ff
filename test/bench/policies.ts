/** What a token's policies cost a request: a few rules against the most that a token may have, on paths as services use them. */
import { type Acl, compile } from '../../src/policies/acl.js';
import { parsePolicy } from '../../src/policies/parse.js';
import type { Policy } from '../../src/policies/policy.js';
import { figure, floor } from './report.js';

const POLICIES = 64;
const RULES = 10_000;
/** Rules in one text: texts are bounded, so a policy of 10,000 rules is put together from several. */
const RULES_A_TEXT = 2500;
const CHECKS = 100_000;
const ROUNDS = 7;

/** As a team's policy is written: whole applications, one key of every environment, one key, what an environment has. */
const ENDS = ['*', '+/db', 'db', '+/*'];
const asked = (rule: number, index: number): string =>
  [`x${index}`, `e${index}/db`, 'db', `e${index}/x/y`][rule % 4] ?? '';

const parsed = (name: string, text: string): Policy => {
  const result = parsePolicy(name, text);
  if (result._tag === 'Left') throw new Error(result.left.message);
  return result.right;
};

const policyOf = (index: number, rules: number): Policy => {
  const parts: Policy[] = [];
  for (let from = 0; from < rules; from += RULES_A_TEXT) {
    const count = Math.min(RULES_A_TEXT, rules - from);
    const paths = Array.from({ length: count }, (_, i) => `t${index}/data/app${from + i}/${ENDS[(from + i) % 4]}`);
    parts.push(parsed('part', paths.map(path => `path "${path}" { policy = "read" }`).join('\n')));
  }
  return { name: `p${index}`, rules: parts.flatMap(part => part.rules), templates: [] };
};

const compiled = (policies: number, rules: number): Acl =>
  compile(
    Array.from({ length: policies }, (_, index) => policyOf(index, rules)),
    null,
  );

/** ns for one check, the best of some rounds: over `different` paths, each a new string as it comes from a request. */
const checkNanos = (acl: Acl, policies: number, rules: number, different: number): number => {
  const paths = Array.from({ length: different }, (_, index) => {
    const rule = (index * 7919) % rules;
    return Buffer.from(`t${(index * 31) % policies}/data/app${rule}/${asked(rule, index)}`);
  });
  const round = (): number => {
    const texts = Array.from({ length: CHECKS }, (_, index) => (paths[index % different] ?? '').toString());
    const startedAt = performance.now();
    for (const path of texts) if (!acl.check({ capability: 'read', path }).allowed) throw new Error(`refused: ${path}`);
    return (1e6 * (performance.now() - startedAt)) / CHECKS;
  };
  return Math.min(...Array.from({ length: ROUNDS }, round));
};

export const policyFigures = (): void => {
  const few = checkNanos(compiled(1, 4), 1, 4, 100);
  figure('4 rules, 100 paths', `${few.toFixed(0)} ns`, 'baseline');
  const startedAt = performance.now();
  const all = compiled(POLICIES, RULES);
  const seconds = (performance.now() - startedAt) / 1000;
  const what = `${POLICIES} policies of ${RULES.toLocaleString('en')} rules`;
  figure(`${what}: read and compiled`, `${seconds.toFixed(1)} s`);
  const some = checkNanos(all, POLICIES, RULES, 100);
  figure(`${what}, 100 paths`, `${some.toFixed(0)} ns`);
  const many = checkNanos(all, POLICIES, RULES, 10_000);
  figure(`${what}, 10,000 paths`, `${many.toFixed(0)} ns`, 'memory, not work: nothing of it is in the cache');
  floor('a check with all rules within 2 × of 4 rules', some <= 2 * few, `${(some / few).toFixed(2)} ×`);
};
