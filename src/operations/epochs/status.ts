/** How each header epoch stands, and why it is not to be retired yet. */
import type { Epoch } from '../../authority/epochs.js';
import type { Session } from '../../nexus/session.js';
import { rfc3339 } from '../ledger/head.js';
import type { EpochStatus } from './contract.js';
import { headerSettings } from './settings.js';

export const statusesOf = (session: Session): readonly EpochStatus[] => {
  const { all } = session.authority.epochs;
  return all.map((epoch, i) => statusOf(session, epoch, all[i + 1] ?? null));
};

/** Closed ones that nothing speaks against, from the oldest. */
export const retirable = (session: Session): readonly number[] =>
  statusesOf(session).flatMap(({ epoch, state, standing }) => (state === 'closed' && standing === null ? [epoch] : []));

const statusOf = (session: Session, { epoch, openedAt, retired }: Epoch, next: Epoch | null): EpochStatus => {
  const { keepMs } = headerSettings(session.authority);
  const closedAt = next?.openedAt ?? null;
  const retirableAt = closedAt === null || keepMs === null ? null : closedAt + keepMs * 1000;
  const state = retired !== null ? 'retired' : closedAt === null ? 'current' : 'closed';
  return {
    ...{ epoch, state, openedAt, closedAt, retirableAt, retiredAt: retired?.at ?? null },
    standing: state === 'retired' ? null : standing(session, closedAt, retirableAt),
  };
};

const standing = (session: Session, closedAt: number | null, retirableAt: number | null): string | null => {
  if (closedAt === null) return 'headers are sealed under it now';
  if (retirableAt === null) return 'no rule says how long headers are kept: tally keys epochs keep DURATION';
  if (retirableAt > session.now()) return `the rule keeps its headers until ${rfc3339(retirableAt)}`;
  // Who did what with it is what a hold is for, and it lies in headers of any epoch.
  const [hold] = session.authority.holds.values();
  return hold === undefined ? null : `the legal hold ${hold.name} keeps all headers`;
};
