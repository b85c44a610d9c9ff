/** Whose address it is: the connection's, or what a trusted proxy says of whoever asked it. */
import { isIP } from 'node:net';
import { addressAllowed } from '../operations/tokens/cidrs.js';

/** More proxies in a row than anybody has. */
const HOPS_MAX = 16;

const plainOf = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

/**
 * From the end of `X-Forwarded-For`, as each proxy appends whom it heard: the first that is no proxy of ours. What stands
 * before it is the client's own claim, and counts for nothing.
 */
export const clientAddress = (
  connection: string,
  forwarded: string | undefined,
  proxies: readonly string[],
): string => {
  let address = plainOf(connection);
  if (forwarded === undefined || proxies.length === 0) return address;
  for (const hop of forwarded.split(',').slice(-HOPS_MAX).reverse()) {
    const next = plainOf(hop.trim());
    if (!addressAllowed(proxies, address) || isIP(next) === 0) break;
    address = next;
  }
  return address;
};
