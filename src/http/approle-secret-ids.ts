/** Secret ids of AppRoles on the wire (vault-wire.md §11.3): made, listed, looked up, destroyed, tidied. */
import type { SecretIdDetail, SecretIdMade, SecretIdNamed } from '../operations/logins/approle/contract.js';
import type { Place } from '../operations/logins/records.js';
import { type Answer, envelope, errors, noContent, ok, oneError, withPosition } from './answer.js';
import type { Fields } from './body.js';
import { answered, type Call, type Misses, type Routes } from './call.js';
import { FieldError, intField, stringField, stringsField } from './fields.js';
import { printTime } from './times.js';
import { secondsField } from './token-settings.js';

const NEVER = '0001-01-01T00:00:00Z';

const detailData = (detail: SecretIdDetail) => ({
  cidr_list: detail.cidrs,
  creation_time: printTime(detail.createdAt),
  expiration_time: detail.expiresAt === 0 ? NEVER : printTime(detail.expiresAt),
  last_updated_time: printTime(detail.updatedAt),
  metadata: detail.meta,
  secret_id_accessor: detail.accessor,
  secret_id_num_uses: detail.usesLeft,
  secret_id_ttl: detail.ttlSeconds,
  token_bound_cidrs: detail.tokenCidrs,
});

const made =
  (call: Call) =>
  ({ position, secretId, accessor, ttlSeconds, uses }: SecretIdMade): Answer =>
    withPosition(
      ok(call.context.requestId, {
        ...{ secret_id: secretId, secret_id_accessor: accessor },
        ...{ secret_id_num_uses: uses, secret_id_ttl: ttlSeconds },
      }),
      position,
    );

/** A string that holds a JSON object of strings; the object itself does too. */
const metadataOf = (fields: Fields): Readonly<Record<string, string>> => {
  const sent = fields.get('metadata');
  const outer: unknown = sent === undefined ? null : JSON.parse(sent);
  const value = typeof outer === 'string' && outer !== '' ? parsed(outer) : outer;
  if (value === null || value === '') return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw NOT_METADATA;
  const entries = Object.entries(value);
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) throw NOT_METADATA;
  return Object.fromEntries(entries);
};

const NOT_METADATA = new FieldError(
  'failed to parse metadata: it must be a string that holds a JSON object of strings',
);

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw NOT_METADATA;
  }
};

const create = (call: Call, place: Place, secretId: string | null): Promise<Answer> => {
  const { operations, context, fields } = call;
  const input = {
    ...place,
    secretId,
    meta: metadataOf(fields),
    cidrs: stringsField(fields, 'cidr_list') ?? [],
    tokenCidrs: stringsField(fields, 'token_bound_cidrs') ?? [],
    uses: intField(fields, 'num_uses') ?? null,
    ttlSeconds: secondsField(fields, 'ttl') ?? null,
  };
  return answered(call, operations.approle.createSecretId(context, input), made(call), noRole(place));
};

const secretIds = (call: Call, place: Place): Routes => ({
  list: () =>
    answered(call, call.operations.approle.listSecretIds(call.context, place), keys =>
      ok(call.context.requestId, { keys }),
    ),
  write: () => create(call, place, null),
});

const custom = (call: Call, place: Place): Routes => ({
  write: () => {
    const secretId = stringField(call.fields, 'secret_id') ?? '';
    return secretId === '' ? errors(400, 'missing secret_id') : create(call, place, secretId);
  },
});

/** Everything about secret ids of a role that is not there. */
const noRole = ({ name }: Place): Misses => ({
  absent: () => oneError(404, `role ${JSON.stringify(name.toLowerCase())} does not exist`),
});

interface Naming {
  readonly named: SecretIdNamed;
  /** What the dialect says when there is no such one. */
  readonly lookupMissing: Answer;
  readonly destroyMissing: Answer;
}

const naming = (call: Call, field: string): Naming | Answer => {
  // Where policies look at the fields of a body, nothing is taken from elsewhere.
  const text = stringField(call.fields, field) ?? (call.verb === 'delete' ? call.query.get(field) : null) ?? '';
  if (text === '') return errors(400, `missing ${field}`);
  if (field === 'secret_id') return { named: { secretId: text }, lookupMissing: noContent, destroyMissing: noContent };
  const error = `failed to find accessor entry for secret_id_accessor: ${JSON.stringify(text)}`;
  return {
    named: { accessor: text },
    lookupMissing: { status: 404, body: envelope(call.context.requestId, { data: JSON.stringify({ error }) }) },
    destroyMissing: oneError(404, error),
  };
};

const lookup = (call: Call, place: Place, field: string): Routes => ({
  write: () => {
    const which = naming(call, field);
    if (!('named' in which)) return which;
    return answered(
      call,
      call.operations.approle.lookupSecretId(call.context, { ...place, named: which.named }),
      found => (found === null ? which.lookupMissing : ok(call.context.requestId, detailData(found))),
      noRole(place),
    );
  },
});

const destroy = (call: Call, place: Place, field: string): Routes => {
  const route = () => {
    const which = naming(call, field);
    if (!('named' in which)) return which;
    return answered(
      call,
      call.operations.approle.removeSecretId(call.context, { ...place, named: which.named }),
      ({ position, known }) => (known ? withPosition(noContent, position) : which.destroyMissing),
      noRole(place),
    );
  };
  return { write: route, delete: route };
};

const tidy = (call: Call, { mount }: Place): Routes => ({
  write: () =>
    answered(call, call.operations.approle.tidy(call.context, { mount }), ({ position, removed }) => {
      const warnings = [`${removed} expired secret ids were removed; 500 at most go at once`];
      return withPosition({ status: 202, body: envelope(call.context.requestId, { warnings }) }, position);
    }),
});

/** `below` is what follows the role's name; without a name, what follows the mount. Null: not one of ours. */
export const secretIdRoutes = (call: Call, place: Place, below: string): Routes | null => {
  if (place.name === '') return below === 'tidy/secret-id' ? tidy(call, place) : null;
  switch (below) {
    case 'secret-id':
    case 'secret-id/':
      return secretIds(call, place);
    case 'custom-secret-id':
      return custom(call, place);
    case 'secret-id/lookup':
      return lookup(call, place, 'secret_id');
    case 'secret-id/destroy':
      return destroy(call, place, 'secret_id');
    case 'secret-id-accessor/lookup':
      return lookup(call, place, 'secret_id_accessor');
    case 'secret-id-accessor/destroy':
      return destroy(call, place, 'secret_id_accessor');
    default:
      return null;
  }
};
