/** What one request was found to be on its way; it begins empty with the request, and copies of its context share it. */
import type { Token } from '../authority/tokens.js';
import type { Caller } from './authorise.js';

export interface Once {
  /** Whom it was allowed to last. */
  caller?: Caller;
  /** Records that it was refused, where that is found out later than that it was allowed. */
  denied?: () => void;
  /** The token as it is after it paid for the request, and the text that named it. */
  paid?: { readonly text: string; readonly token: Token };
}
