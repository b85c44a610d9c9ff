/** The certificate in words. A function of the document alone, so that nobody can sign one and show the other. */
import { canonicalJson } from '../crypto/canonical-json.js';
import { sha256 } from '../crypto/prf.js';
import type { CertificateDocument } from './document.js';

/** No checkpoint begins so: a certificate is never taken for one. */
const TITLE = 'Tallystick erasure certificate, version 1';
/** A note has 64 KiB at most: so much of a list is shown that every erasure has its certificate. The document has it all. */
const LISTED_MAX = 40;
const LISTED_CHARACTERS = 120;

/** Free text of people, on one line, and read in the order in which it is written. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();

const shortened = (text: string): string => {
  const characters = [...oneLine(text)];
  return characters.length <= LISTED_CHARACTERS
    ? characters.join('')
    : `${characters.slice(0, LISTED_CHARACTERS).join('')}…`;
};

const listed = <T>(all: readonly T[], line: (each: T) => string): readonly string[] => [
  ...all.slice(0, LISTED_MAX).map(each => `- ${line(each)}`),
  ...(all.length > LISTED_MAX ? [`- and ${all.length - LISTED_MAX} more, in the document`] : []),
];

const plural = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

export const digestOf = (document: CertificateDocument): string =>
  sha256(Buffer.from(canonicalJson(document), 'utf8')).toString('hex');

/** The sentence that matters: is it gone from every copy? */
export const verdictOf = ({ term, issued_at }: Pick<CertificateDocument, 'term' | 'issued_at'>): string =>
  term.erasure === 'confirmed'
    ? `Fully erased: confirmed, the end of term ${term.last} was recorded at ${term.confirmed_at}`
    : term.fully_erased_on <= issued_at
      ? `Fully erased: not confirmed; planned for ${term.fully_erased_on.slice(0, 10)}, and the end of term ${term.last} is not recorded`
      : `Fully erased: not yet, on ${term.fully_erased_on.slice(0, 10)} (${
          term.by === 'term' ? `term ${term.last} ends then` : 'the last backup that could hold a key expires then'
        }; not confirmed by the ledger)`;

export const certificateText = (document: CertificateDocument): string => {
  const { request, destroyed, escrow, living_copies, readers, term } = document;
  const keys = destroyed.reduce((sum, each) => sum + each.keys.length, 0);
  const optional = (name: string, value: string | null): readonly string[] =>
    value === null ? [] : [`${name}: ${oneLine(value)}`];
  const lines = [
    TITLE,
    `Ledger: ${document.ledger}`,
    `Issued at: ${document.issued_at}`,
    '',
    `Scope: ${oneLine(request.scope)}`,
    ...optional('Basis', request.basis),
    ...optional('Reason', request.reason),
    ...optional('Ticket', request.ticket),
    `By: ${oneLine(request.actor.name ?? 'an unnamed actor')} (${request.actor.id ?? 'no id'})`,
    `Recorded at: ${request.recorded_at}, position ${request.position}`,
    '',
    `Destroyed: ${plural(keys, 'key')} of ${plural(destroyed.length, 'secret')}; out of service since then, on every node`,
    ...listed(destroyed, ({ path, keys: own }) => `${shortened(path)} (${plural(own.length, 'key')})`),
    `Key rows found in the key store when this was issued: ${document.key_rows_found}`,
    ...(request.kept === 0 ? [] : [`Kept by a legal hold or a retention rule: ${plural(request.kept, 'secret')}`]),
    '',
    verdictOf(document),
    `Last term that wrapped them: ${term.last} (${term.state}); it ends: ${term.term_ends ?? 'no end is planned'}; backups expire: ${term.backups_expire}`,
    `Escrow copies of that term's key: ${escrow.length === 0 ? 'none recorded' : ''}`.trimEnd(),
    ...listed(
      escrow,
      ({ id, made_at, destroyed: gone }) =>
        `${shortened(id)}, made ${made_at}: ${gone === null ? 'not reported as destroyed' : `reported as destroyed ${gone}`}`,
    ),
    `Living copies, in writes up to position ${living_copies.searched_to}: ${living_copies.found.length === 0 ? 'none' : living_copies.found.length}`,
    ...(living_copies.headers_retired === undefined
      ? []
      : [`- of ${living_copies.headers_retired} writes nobody can tell: their headers are retired`]),
    ...listed(living_copies.found, ({ path, position }) => `${shortened(path)}, written at position ${position}`),
    `Who had read it: ${readers.note}`,
    '',
    `Document: sha256 ${digestOf(document)}`,
  ];
  return `${lines.join('\n')}\n`;
};
