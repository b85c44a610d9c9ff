/**
 * The copies of a term's erasure key: those of nodes, which tell of their own, and escrows, of which only people can tell. A
 * node that is gone for ever tells nothing more: then a person has to.
 */
import { type NodeReport, nodeReports } from '../../nexus/node-report.js';
import type { Session } from '../../nexus/session.js';
import type { CopyStatus } from './contract.js';

export type Copy = CopyStatus;

export const copiesOf = async (
  session: Session,
  term: number,
  given?: readonly NodeReport[],
): Promise<readonly Copy[]> => {
  const { terms } = session.authority;
  const reports = given ?? (await session.ports.runner.run(nodeReports));
  const declared = new Map(terms.goneOf(term).map(({ holder, at }) => [holder, at]));
  const keeping = reports.filter(({ keeps }) => keeps.includes(term)).map(({ node }) => node);
  const nodes = [...new Set([...terms.holdersOf(term), ...keeping])].sort();
  const told = new Set(reports.map(({ node }) => node));
  return [
    ...nodes.map((node): Copy => {
      const without = told.has(node) && !keeping.includes(node);
      const goneAt = declared.get(node) ?? (without ? session.now() : null);
      return { kind: 'node', holder: node, recipients: [], madeAt: null, goneAt };
    }),
    ...terms.escrowsOf(term).map(({ id, recipients, madeAt }): Copy => {
      return { kind: 'escrow', holder: id, recipients, madeAt, goneAt: declared.get(id) ?? null };
    }),
  ];
};
