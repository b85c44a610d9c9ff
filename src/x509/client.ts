/** The certificate that a client showed, against what one role believes and asks for. Pure. */
import type { Certificate } from './certificate.js';
import { type Constraints, meets } from './constraints.js';
import { type Crl, isRevokedBy } from './crl.js';
import { isClientLeaf, type Path, type Shown } from './path.js';
import { claimsSpiffe, type SpiffeId, svidOf } from './svid.js';

export interface Trust {
  readonly authorities: readonly Certificate[];
  /** Leaves that are believed as they are, whoever signed them. */
  readonly pinned: readonly Certificate[];
  readonly constraints: Constraints;
  /** The one whose SVIDs it takes; null: none. */
  readonly trustDomain: string | null;
}

export type Match =
  | { readonly kind: 'matched'; readonly svid: SpiffeId | null }
  /** Nobody that this role trusts vouches for it. */
  | { readonly kind: 'no-path' }
  /** Somebody does, but it is revoked, or is not what the role asks for. */
  | { readonly kind: 'refused' };

export const matchClient = (shown: Shown, trust: Trust, revoked: readonly Crl[]): Match => {
  const path = pinnedPath(shown, trust) ?? shown.pathTo(trust.authorities);
  if (path === null) return { kind: 'no-path' };
  const { leaf } = shown;
  if (isRevokedBy(revoked, path) || !meets(leaf, trust.constraints)) return { kind: 'refused' };
  if (!claimsSpiffe(leaf)) return { kind: 'matched', svid: null };
  const svid = svidOf(path);
  // Patterns alone do not say it: what an authority may sign ends at its trust domain.
  return svid === null || svid.trustDomain !== trust.trustDomain ? { kind: 'refused' } : { kind: 'matched', svid };
};

const pinnedPath = ({ leaf, at }: Shown, { pinned }: Trust): Path | null =>
  isClientLeaf(leaf, at) && pinned.some(({ der }) => der.equals(leaf.der)) ? [leaf] : null;
