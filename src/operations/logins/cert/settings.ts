/** What a cert role says: whom it believes, what it asks for, and the tokens it gives. Checked when it is written. */
import * as t from 'io-ts';
import type { Role } from '../../../authority/logins.js';
import { IntegrityError } from '../../../ledger/integrity.js';
import type { Certificate } from '../../../x509/certificate.js';
import type { Trust } from '../../../x509/client.js';
import { isExtensionRule } from '../../../x509/constraints.js';
import { mayBeTrusted } from '../../../x509/path.js';
import { readBundle } from '../../../x509/pem.js';
import { isSpiffePattern, patternTrustDomain } from '../../../x509/svid.js';
import { NEW_TOKEN_SETTINGS, TokenSettings } from '../token-settings.js';

const strings = t.readonlyArray(t.string);

export const CertSettings = t.intersection([
  TokenSettings,
  t.type({
    /** PEM: authorities, or leaves that are believed as they are. */
    certificate: t.string,
    display_name: t.string,
    allowed_names: strings,
    allowed_common_names: strings,
    allowed_dns_sans: strings,
    allowed_email_sans: strings,
    allowed_uri_sans: strings,
    allowed_organizational_units: strings,
    required_extensions: strings,
  }),
]);
export type CertSettings = t.TypeOf<typeof CertSettings>;

export const NEW_CERT_SETTINGS: CertSettings = {
  ...NEW_TOKEN_SETTINGS,
  ...{ certificate: '', display_name: '', allowed_names: [], allowed_common_names: [], allowed_dns_sans: [] },
  ...{ allowed_email_sans: [], allowed_uri_sans: [], allowed_organizational_units: [], required_extensions: [] },
};

const CONSTRAINT_FIELDS = [
  ...(['allowed_names', 'allowed_common_names', 'allowed_dns_sans', 'allowed_email_sans'] as const),
  ...(['allowed_uri_sans', 'allowed_organizational_units', 'required_extensions'] as const),
] as const;

export const certSettings = (role: Role): CertSettings => {
  if (!CertSettings.is(role.settings)) throw new IntegrityError('settings of a cert role');
  return role.settings;
};

/** Of the 256 KiB of a header, which also says who, when and from where. */
const SETTINGS_CHARACTERS_MAX = 192 * 1024;
const PATTERNS_MAX = 256;
const PATTERN_CHARACTERS_MAX = 2048;
const DISPLAY_NAME_CHARACTERS_MAX = 128;

/** Null: certificates can be held against it. */
export const certComplaint = (settings: CertSettings): string | null => {
  if (settings.display_name.length > DISPLAY_NAME_CHARACTERS_MAX) return 'display_name has 128 characters at most';
  if (JSON.stringify(settings).length > SETTINGS_CHARACTERS_MAX) return 'a cert role has 192 KiB at most';
  const bundle = readBundle(settings.certificate);
  if (typeof bundle === 'string') return bundle;
  if (!bundle.every(mayBeTrusted))
    return 'certificate: one of them has a weak key or demands what is not evaluated here (name constraints, policies)';
  for (const name of CONSTRAINT_FIELDS)
    if (settings[name].length > PATTERNS_MAX || settings[name].some(text => text.length > PATTERN_CHARACTERS_MAX))
      return `${name} has 256 entries at most, each of 2,048 characters at most`;
  if (!settings.required_extensions.every(isExtensionRule))
    return 'required_extensions are written as OID:pattern or hex:OID:pattern';
  return spiffeComplaint(trustDomainsOf(settings));
};

/** Of the ids that a role's patterns are about; null: of a pattern that does not name one in full. */
const trustDomainsOf = ({ allowed_names, allowed_uri_sans }: CertSettings): ReadonlySet<string | null> =>
  new Set([...allowed_names, ...allowed_uri_sans].filter(isSpiffePattern).map(patternTrustDomain));

/** A bundle vouches for one trust domain: with two in one role, either's authorities could speak for the other. */
const spiffeComplaint = (domains: ReadonlySet<string | null>): string | null =>
  domains.has(null)
    ? 'a SPIFFE pattern names its trust domain in full: spiffe://example.org/path/*'
    : domains.size > 1
      ? 'one role, one trust domain: make a role for each, with its own bundle'
      : null;

/** Certificates are read once for each version of a role, not at each login. */
const known = new WeakMap<object, Trust>();

export const trustOf = (role: Role): Trust => {
  const found = known.get(role.settings);
  if (found !== undefined) return found;
  const settings = certSettings(role);
  const bundle: readonly Certificate[] | string = readBundle(settings.certificate);
  if (typeof bundle === 'string') throw new IntegrityError('certificates of a cert role');
  const trust: Trust = {
    authorities: bundle.filter(({ isCa }) => isCa),
    pinned: bundle.filter(({ isCa }) => !isCa),
    trustDomain: [...trustDomainsOf(settings)][0] ?? null,
    constraints: {
      allowedNames: settings.allowed_names,
      allowedCommonNames: settings.allowed_common_names,
      allowedDnsSans: settings.allowed_dns_sans,
      allowedEmailSans: settings.allowed_email_sans,
      allowedUriSans: settings.allowed_uri_sans,
      allowedOrganizationalUnits: settings.allowed_organizational_units,
      requiredExtensions: settings.required_extensions,
    },
  };
  known.set(role.settings, trust);
  return trust;
};
