/** `auth/M` of type jwt: configuration, roles, login (vault-wire.md §12.3). */
import {
  type JwtChange,
  type JwtConfig,
  type JwtSettings,
  JWT_OLDER as OLDER,
} from '../operations/logins/jwt/contract.js';
import { changed, ok, oneError } from './answer.js';
import type { Fields } from './body.js';
import { answered, type Call, type Routes, unasked } from './call.js';
import type { Engine } from './engines.js';
import { boolField, type Field, FieldError, mapField, stringField, stringsField, unknownFields } from './fields.js';
import { loggedIn } from './token-answers.js';
import { secondsField, TOKEN_FIELDS, tokenSettingsChange, tokenSettingsData } from './token-settings.js';

/** Seconds, of which fewer than none mean that there is no leeway at all. */
const leewayField: Field<number> = (fields, name) =>
  (stringField(fields, name) ?? '').startsWith('-') ? -1 : secondsField(fields, name);

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

/** A JSON object, or its text: a command line has nothing else. */
const claimsField: Field<JwtSettings['bound_claims']> = (fields, name) => {
  const wrong = new FieldError(`${name} must be an object of texts, numbers and booleans, or lists of them`);
  let value: unknown = JSON.parse(fields.get(name) ?? 'null');
  if (typeof value === 'string')
    try {
      value = value === '' ? {} : JSON.parse(value);
    } catch {
      throw wrong;
    }
  if (value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw wrong;
  return Object.fromEntries(
    Object.entries(value).map(([claim, wanted]: [string, unknown]) => {
      if (isScalar(wanted)) return [claim, wanted];
      if (Array.isArray(wanted) && wanted.every(isScalar)) return [claim, wanted];
      throw wrong;
    }),
  );
};

const OWN = {
  role_type: stringField,
  user_claim: stringField,
  user_claim_json_pointer: boolField,
  bound_audiences: stringsField,
  bound_subject: stringField,
  bound_claims: claimsField,
  bound_claims_type: stringField,
  claim_mappings: mapField,
  groups_claim: stringField,
  expiration_leeway: leewayField,
  not_before_leeway: leewayField,
  clock_skew_leeway: leewayField,
  single_use: boolField,
} satisfies { readonly [K in keyof JwtSettings]?: Field<JwtSettings[K]> };

/** Of browser logins, which clients send with every role: nothing here depends on them. */
const OF_BROWSERS = ['allowed_redirect_uris', 'verbose_oidc_logging'];

const KNOWN = [...Object.keys(OWN), ...TOKEN_FIELDS, ...Object.keys(OLDER), ...OF_BROWSERS, 'name'];

const changeOf = (fields: Fields): JwtChange => ({
  ...tokenSettingsChange(fields, OLDER),
  ...Object.fromEntries(
    Object.entries(OWN).flatMap(([name, read]) => {
      const value = read(fields, name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  ),
});

const roleData = (settings: JwtSettings) => ({
  ...Object.fromEntries(Object.keys(OWN).map(name => [name, settings[name as keyof typeof OWN]])),
  ...tokenSettingsData(settings, OLDER),
});

const role = (call: Call, mount: string, name: string): Routes => {
  const { operations, context, fields } = call;
  return {
    read: () =>
      answered(call, operations.jwt.readRole(context, { mount, name }), found =>
        ok(context.requestId, roleData(found)),
      ),
    write: () =>
      answered(call, operations.jwt.writeRole(context, { mount, name, change: changeOf(fields) }), written =>
        changed(context.requestId, written.position, [...written.warnings, ...unknownFields(fields, KNOWN)]),
      ),
    delete: () =>
      answered(call, operations.jwt.removeRole(context, { mount, name }), ({ position }) =>
        changed(context.requestId, position),
      ),
  };
};

const CONFIG_FIELDS = [
  ...['jwks_url', 'jwks_ca_pem', 'oidc_discovery_url', 'oidc_discovery_ca_pem', 'jwt_validation_pubkeys'],
  ...['bound_issuer', 'default_role', 'jwt_supported_algs', 'oidc_client_id', 'oidc_client_secret'],
];

const configOf = (fields: Fields): JwtConfig => {
  const text = (name: string): string => stringField(fields, name) ?? '';
  // A secret of ours would lie in the ledger for nothing.
  if (text('oidc_client_id') !== '' || text('oidc_client_secret') !== '')
    throw new FieldError('oidc_client_id and oidc_client_secret: logging in with a browser is not offered here');
  return {
    ...{ jwks_url: text('jwks_url'), jwks_ca_pem: text('jwks_ca_pem') },
    ...{ oidc_discovery_url: text('oidc_discovery_url'), oidc_discovery_ca_pem: text('oidc_discovery_ca_pem') },
    jwt_validation_pubkeys: stringsField(fields, 'jwt_validation_pubkeys') ?? [],
    ...{ bound_issuer: text('bound_issuer'), default_role: text('default_role') },
    jwt_supported_algs: stringsField(fields, 'jwt_supported_algs') ?? [],
  };
};

const config = (call: Call, mount: string): Routes => {
  const { operations, context, fields } = call;
  return {
    read: () => answered(call, operations.jwt.readConfig(context, { mount }), found => ok(context.requestId, found)),
    write: () =>
      answered(call, operations.jwt.writeConfig(context, { mount, config: configOf(fields) }), ({ position }) =>
        changed(context.requestId, position, unknownFields(fields, CONFIG_FIELDS)),
      ),
  };
};

const roles = (call: Call, mount: string): Routes => ({
  list: () =>
    answered(call, call.operations.jwt.listRoles(call.context, { mount }), keys =>
      ok(call.context.requestId, { keys }),
    ),
});

const login = (call: Call, mount: string): Routes => ({
  write: unasked(() => {
    const { fields, operations, context } = call;
    const given = { role: stringField(fields, 'role') ?? '', jwt: stringField(fields, 'jwt') ?? '' };
    return answered(call, operations.jwt.login(context, { mount, ...given }), loggedIn(call));
  }),
});

const routesOf = (call: Call, mount: string, inside: string): Routes | null => {
  if (inside === 'login') return login(call, mount);
  if (inside === 'config') return config(call, mount);
  if (/^role\/?$/.test(inside)) return roles(call, mount);
  const [, name] = /^role\/([^/]+)$/.exec(inside) ?? [];
  return name === undefined ? null : role(call, mount, name);
};

export const jwtEngine: Engine = (call, mount, inside) => {
  const routes = routesOf(call, mount.path, inside);
  return routes === null ? null : (routes[call.verb]?.() ?? oneError(405, 'unsupported operation'));
};
