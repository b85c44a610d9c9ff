/**
 * The copies of a term's erasure key: those of nodes, which tell of their own, and escrows, of which only people can tell. A
 * node that is gone for ever tells nothing more: then a person has to.
 */
import { type NodeReport, newestReports, nodeReports, nodesKeeping } from '../../nexus/node-report.js';
import type { Session } from '../../nexus/session.js';
import type { CopyStatus } from './contract.js';

export type Copy = CopyStatus;

export const copiesOf = async (
  session: Session,
  term: number,
  given?: readonly NodeReport[],
): Promise<readonly Copy[]> => {
  const { terms } = session.authority;
  const reports = given ?? (await nodeReports(session.ports.runner, session.custody));
  const declared = new Map(terms.goneOf(term).map(({ holder, at }) => [holder, at]));
  const keeping = nodesKeeping(reports, term);
  const nodes = [...new Set([...terms.holdersOf(term), ...keeping])].sort();
  const endedAt = terms.get(term)?.endedAt ?? 0;
  // What was said before the end says nothing of after it, however often it is put into the table again.
  const told = new Set(newestReports(reports).flatMap(({ node, told: at }) => (at >= endedAt ? [node] : [])));
  return [
    ...nodes.map((node): Copy => {
      const without = told.has(node) && !keeping.includes(node);
      const goneAt = declared.get(node) ?? (without ? session.now() : null);
      return { kind: 'node', holder: node, recipients: [], madeAt: null, goneAt };
    }),
    ...(await keptByService(session, term, declared)),
    ...terms.escrowsOf(term).map(({ id, recipients, madeAt }): Copy => {
      return { kind: 'escrow', holder: id, recipients, madeAt, goneAt: declared.get(id) ?? null };
    }),
  ];
};

/** Asked only once the term has ended: before that its key is there, or the server would not be. */
const keptByService = async (
  session: Session,
  term: number,
  declared: ReadonlyMap<string, number>,
): Promise<readonly Copy[]> => {
  const { authority, custody, ports } = session;
  const known = authority.terms.get(term);
  // Nothing ever lay under a term that did not become active.
  if (known === null || known.activatedAt === null || known.endedAt === null || known.destroyedAt !== null) return [];
  const holder = await ports.erasureKeys.remote(custody.ledger, term, authority.terms.wrappedOf(term));
  if (holder === null) return [];
  return [{ kind: 'kms', holder, recipients: [], madeAt: null, goneAt: declared.get(holder) ?? null }];
};
