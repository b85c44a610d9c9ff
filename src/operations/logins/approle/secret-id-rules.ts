/** What a new secret id may be under its role (vault-wire.md §11.3): never more than the role allows. */
import { randomUuid4 } from '../../../crypto/random.js';
import { refuse } from '../../app.js';
import { cidrsWithin } from '../../tokens/cidrs.js';
import { cidrsComplaint } from '../token-settings.js';
import type { NewSecretId } from './contract.js';
import type { AppRoleSettings } from './settings.js';

const invalid = (message: string): never => refuse({ kind: 'invalid', message });

const META_ENTRIES_MAX = 256;
const META_BYTES_MAX = 16_384;

interface Made {
  readonly text: string;
  readonly uses: number;
  readonly ttlSeconds: number;
}

export const newSecretId = (role: AppRoleSettings, wanted: Omit<NewSecretId, 'mount' | 'name'>): Made => {
  if (!role.bind_secret_id) invalid('bind_secret_id is not set on the role');
  if (wanted.secretId !== null && !/^[\x21-\x7e]{1,255}$/.test(wanted.secretId))
    invalid('secret_id must have 1 to 255 printable characters, no blanks');
  const uses = wanted.uses ?? role.secret_id_num_uses;
  if (uses < 0) invalid('num_uses cannot be negative');
  if (exceeds(uses, role.secret_id_num_uses)) invalid("num_uses cannot be higher than the role's secret_id_num_uses");
  const ttlSeconds = wanted.ttlSeconds ?? role.secret_id_ttl;
  if (ttlSeconds < 0) invalid('ttl cannot be negative');
  if (exceeds(ttlSeconds, role.secret_id_ttl)) invalid("ttl cannot be longer than the role's secret_id_ttl");
  refuseMeta(wanted.meta);
  const lists = [
    ['cidr_list', wanted.cidrs, role.secret_id_bound_cidrs, 'secret_id_bound_cidrs'],
    ['token_bound_cidrs', wanted.tokenCidrs, role.token_bound_cidrs, 'token_bound_cidrs'],
  ] as const;
  for (const [name, cidrs, outer, outerName] of lists) {
    const complaint = cidrsComplaint(name, cidrs);
    if (complaint !== null) invalid(complaint);
    if (!cidrsWithin(outer, cidrs)) invalid(`'${name}' must be a subset of the role's '${outerName}'`);
  }
  return { text: wanted.secretId ?? randomUuid4(), uses, ttlSeconds };
};

/** 0 = without end, which is more than any end. */
const exceeds = (wanted: number, most: number): boolean => most > 0 && (wanted === 0 || wanted > most);

const refuseMeta = (meta: Readonly<Record<string, string>>): void => {
  const entries = Object.entries(meta);
  const bytes = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
  if (entries.length > META_ENTRIES_MAX || bytes > META_BYTES_MAX)
    invalid('metadata has 256 entries and 16 KiB at most');
};
