/** `auth/M` of type cert: roles, configuration, revocation lists, login (vault-wire.md §12.2). */
import { type CertChange, type CertSettings, CERT_OLDER as OLDER } from '../operations/logins/cert/contract.js';
import { changed, ok, oneError } from './answer.js';
import type { Fields } from './body.js';
import { answered, type Call, type Routes, unasked } from './call.js';
import type { Engine } from './engines.js';
import { boolField, type Field, FieldError, stringField, stringsField, unknownFields } from './fields.js';
import { loggedIn } from './token-answers.js';
import { TOKEN_FIELDS, tokenSettingsChange, tokenSettingsData } from './token-settings.js';

const OWN = {
  certificate: stringField,
  display_name: stringField,
  allowed_names: stringsField,
  allowed_common_names: stringsField,
  allowed_dns_sans: stringsField,
  allowed_email_sans: stringsField,
  allowed_uri_sans: stringsField,
  allowed_organizational_units: stringsField,
  required_extensions: stringsField,
} satisfies { readonly [K in keyof CertSettings]?: Field<CertSettings[K]> };

const KNOWN = [...Object.keys(OWN), ...TOKEN_FIELDS, ...Object.keys(OLDER), 'name', 'ocsp_enabled'];

const changeOf = (fields: Fields): CertChange => {
  // Left out of a role it would look as if somebody asked.
  if (boolField(fields, 'ocsp_enabled') === true)
    throw new FieldError('ocsp_enabled: OCSP responders are not asked here; give revocation lists to crls/NAME');
  const own = Object.entries(OWN).flatMap(([name, read]) => {
    const value = read(fields, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...tokenSettingsChange(fields, OLDER), ...Object.fromEntries(own) };
};

const roleData = (settings: CertSettings) => ({
  ...Object.fromEntries(Object.keys(OWN).map(name => [name, settings[name as keyof typeof OWN]])),
  ...tokenSettingsData(settings, OLDER),
});

const done =
  ({ context }: Call) =>
  ({ position }: { readonly position: number | null }) =>
    changed(context.requestId, position);

const role = (call: Call, mount: string, name: string): Routes => {
  const { operations, context, fields } = call;
  const { cert } = operations;
  return {
    read: () =>
      answered(call, cert.readRole(context, { mount, name }), found => ok(context.requestId, roleData(found))),
    write: () =>
      answered(call, cert.writeRole(context, { mount, name, change: changeOf(fields) }), ({ position, warnings }) =>
        changed(context.requestId, position, [...warnings, ...unknownFields(fields, KNOWN)]),
      ),
    delete: () => answered(call, cert.removeRole(context, { mount, name }), done(call)),
  };
};

const config = (call: Call, mount: string): Routes => {
  const { operations, context, fields } = call;
  const { cert } = operations;
  return {
    read: () => answered(call, cert.readConfig(context, { mount }), found => ok(context.requestId, found)),
    write: () => {
      const disable = boolField(fields, 'disable_binding');
      const change = disable === undefined ? {} : { disable_binding: disable };
      return answered(call, cert.writeConfig(context, { mount, change }), ({ position }) =>
        changed(context.requestId, position, unknownFields(fields, ['disable_binding'])),
      );
    },
  };
};

const crl = (call: Call, mount: string, name: string): Routes => {
  const { operations, context, fields } = call;
  const { cert } = operations;
  return {
    read: () =>
      answered(call, cert.readCrl(context, { mount, name }), serials =>
        ok(context.requestId, { serials: Object.fromEntries(serials.map(serial => [serial, {}])) }),
      ),
    write: () => {
      if ((stringField(fields, 'url') ?? '') !== '')
        throw new FieldError('url: revocation lists are not fetched here; give the list itself in crl');
      return answered(call, cert.writeCrl(context, { mount, name, crl: stringField(fields, 'crl') ?? '' }), done(call));
    },
    delete: () => answered(call, cert.removeCrl(context, { mount, name }), done(call)),
  };
};

const list = (call: Call, keys: ReturnType<Call['operations']['cert']['listRoles']>): Routes => ({
  list: () => answered(call, keys, found => ok(call.context.requestId, { keys: found })),
});

const login = (call: Call, mount: string): Routes => ({
  write: unasked(() => {
    const name = stringField(call.fields, 'name') ?? '';
    const input = { mount, role: name === '' ? null : name };
    return answered(call, call.operations.cert.login(call.context, input), loggedIn(call));
  }),
});

const routesOf = (call: Call, mount: string, inside: string): Routes | null => {
  const { cert } = call.operations;
  if (inside === 'login') return login(call, mount);
  if (inside === 'config') return config(call, mount);
  if (/^certs\/?$/.test(inside)) return list(call, cert.listRoles(call.context, { mount }));
  if (/^crls\/?$/.test(inside)) return list(call, cert.listCrls(call.context, { mount }));
  const [, kind, name = ''] = /^(certs|crls)\/([^/]+)$/.exec(inside) ?? [];
  if (kind === undefined) return null;
  return kind === 'certs' ? role(call, mount, name) : crl(call, mount, name);
};

export const certEngine: Engine = (call, mount, inside) => {
  const routes = routesOf(call, mount.path, inside);
  return routes === null ? null : (routes[call.verb]?.() ?? oneError(405, 'unsupported operation'));
};
