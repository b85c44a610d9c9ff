/** Networks that a token is bound to: how they are written, and whether an address lies in one of them. */
import { BlockList, isIP } from 'node:net';

/** Address and prefix length of `10.0.0.0/8`, `::1/128`, or a bare address; null: neither. */
const parsed = (text: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } | null => {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || address.includes('%')) return null;
  const most = version === 4 ? 32 : 128;
  if (bits !== undefined && !/^\d{1,3}$/.test(bits)) return null;
  const prefix = bits === undefined ? most : Number(bits);
  return prefix > most ? null : { address, bits: prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
};

export const isCidr = (text: string): boolean => parsed(text) !== null;

const lists = new WeakMap<readonly string[], BlockList>();

const listOf = (cidrs: readonly string[]): BlockList => {
  const known = lists.get(cidrs);
  if (known !== undefined) return known;
  const list = new BlockList();
  for (const cidr of cidrs) {
    const network = parsed(cidr);
    // One that cannot be read allows nothing.
    if (network !== null) list.addSubnet(network.address, network.bits, network.family);
  }
  lists.set(cidrs, list);
  return list;
};

/** True when nothing is bound. An IPv4 address that came over an IPv6 socket counts as what it is. */
export const addressAllowed = (cidrs: readonly string[], address: string): boolean => {
  if (cidrs.length === 0) return true;
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  const version = isIP(plain);
  return version !== 0 && listOf(cidrs).check(plain, version === 4 ? 'ipv4' : 'ipv6');
};

/** Whether all of `inner` lies in `outer`; anything does when nothing is bound. */
export const cidrsWithin = (outer: readonly string[], inner: readonly string[]): boolean =>
  outer.length === 0 || inner.every(cidr => outer.some(network => networkHolds(network, cidr)));

/** The wider network holds the first address of the narrower one. */
const networkHolds = (outer: string, inner: string): boolean => {
  const [wide, narrow] = [parsed(outer), parsed(inner)];
  if (wide === null || narrow === null || wide.family !== narrow.family || wide.bits > narrow.bits) return false;
  const list = new BlockList();
  list.addSubnet(wide.address, wide.bits, wide.family);
  return list.check(narrow.address, narrow.family);
};
