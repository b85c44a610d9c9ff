/** What a certificate must say of its holder: lists of patterns, one of each list that is given. Pure. */
import { globMatches } from '../domain/glob.js';
import type { Certificate } from './certificate.js';

export interface Constraints {
  /** Of any kind. */
  readonly allowedNames: readonly string[];
  readonly allowedCommonNames: readonly string[];
  readonly allowedDnsSans: readonly string[];
  readonly allowedEmailSans: readonly string[];
  readonly allowedUriSans: readonly string[];
  readonly allowedOrganizationalUnits: readonly string[];
  /** `OID:pattern` of an extension's text, or `hex:OID:pattern` of its bytes; every one of them. */
  readonly requiredExtensions: readonly string[];
}

const fits = (patterns: readonly string[], said: readonly string[]): boolean =>
  patterns.length === 0 || said.some(text => patterns.some(pattern => globMatches(pattern, text)));

export const meets = (certificate: Certificate, constraints: Constraints): boolean => {
  const { common, units, dns, emails, uris } = certificate.names;
  return (
    fits(constraints.allowedNames, [...common, ...dns, ...emails, ...uris]) &&
    fits(constraints.allowedCommonNames, common) &&
    fits(constraints.allowedDnsSans, dns) &&
    fits(constraints.allowedEmailSans, emails) &&
    fits(constraints.allowedUriSans, uris) &&
    fits(constraints.allowedOrganizationalUnits, units) &&
    constraints.requiredExtensions.every(rule => hasExtension(certificate, rule))
  );
};

const RULE = /^(hex:)?([0-2](?:\.\d{1,20}){1,31}):(.*)$/s;

export const isExtensionRule = (rule: string): boolean => RULE.test(rule);

const hasExtension = ({ extensions }: Certificate, rule: string): boolean => {
  const [, asHex, oid = '', pattern = ''] = RULE.exec(rule) ?? [];
  const found = extensions.find(extension => extension.oid === oid);
  if (found === undefined) return false;
  const text = asHex === undefined ? derText(found.value) : found.value.toString('hex');
  return text !== null && globMatches(asHex === undefined ? pattern : pattern.toLowerCase(), text);
};

/** Tags of DER's strings whose bytes are ASCII or UTF-8: UTF8String, PrintableString, IA5String, VisibleString. */
const TEXT_TAGS: ReadonlySet<number> = new Set([0x0c, 0x13, 0x16, 0x1a]);

/** One string that fills the value; null: the value is something else. */
const derText = (value: Buffer): string | null => {
  const [tag = 0, length = 0] = value;
  const lengthBytes = length < 0x80 ? 0 : length - 0x80;
  if (!TEXT_TAGS.has(tag) || length === 0x80 || lengthBytes > 2 || value.length < 2 + lengthBytes) return null;
  const size = lengthBytes === 0 ? length : value.readUIntBE(2, lengthBytes);
  return value.length === 2 + lengthBytes + size ? value.subarray(2 + lengthBytes).toString('utf8') : null;
};
