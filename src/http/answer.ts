/** Answers: the envelope with its eight keys, errors as a list of texts, and nothing at all (vault-wire.md §2.6, §2.7). */

export interface Answer {
  readonly status: number;
  /** JSON, or null for no body. */
  readonly body: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

interface EnvelopeParts {
  readonly data?: string;
  /** Seconds. */
  readonly leaseDuration?: number;
  readonly auth?: unknown;
  readonly wrapInfo?: unknown;
  readonly warnings?: readonly string[];
  /** Members of `data` that old clients read at the top level. */
  readonly top?: Readonly<Record<string, unknown>>;
}

/** `data` is JSON text: a stored value is spliced in as it was written. */
export const envelope = (
  requestId: string,
  { data, auth, wrapInfo, warnings, top, leaseDuration = 0 }: EnvelopeParts,
): string => {
  const warned = warnings === undefined || warnings.length === 0 ? 'null' : JSON.stringify(warnings);
  const more = top === undefined ? '' : `,${JSON.stringify(top).slice(1, -1)}`;
  return (
    `{"request_id":"${requestId}","lease_id":"","renewable":false,"lease_duration":${leaseDuration},` +
    `"data":${data ?? 'null'},"wrap_info":${JSON.stringify(wrapInfo ?? null)},"warnings":${warned},"auth":${JSON.stringify(auth ?? null)}${more}}\n`
  );
};

export const ok = (requestId: string, data: unknown, warnings: readonly string[] = []): Answer => ({
  status: 200,
  body: envelope(requestId, { data: JSON.stringify(data), warnings }),
});

/** Old clients read the members of `data` at the top level. */
export const okTwice = (
  requestId: string,
  data: Readonly<Record<string, unknown>>,
  warnings: readonly string[] = [],
): Answer => ({ status: 200, body: envelope(requestId, { data: JSON.stringify(data), top: data, warnings }) });

export const raw = (status: number, body: unknown): Answer => ({ status, body: `${JSON.stringify(body)}\n` });

export const noContent: Answer = { status: 204, body: null };

export const errors = (status: number, ...texts: readonly string[]): Answer => raw(status, { errors: texts });

/** The reference wraps many of its texts so. */
export const oneError = (status: number, text: string): Answer => errors(status, `1 error occurred:\n\t* ${text}\n\n`);

export const notFound: Answer = errors(404);

export const withPosition = (answer: Answer, position: number | null): Answer =>
  position === null ? answer : { ...answer, headers: { ...answer.headers, 'x-tallystick-position': String(position) } };

/** A change was made: 204, or 200 where there is something to say about it. */
export const changed = (requestId: string, position: number | null, warnings: readonly string[] = []): Answer =>
  withPosition(warnings.length === 0 ? noContent : { status: 200, body: envelope(requestId, { warnings }) }, position);
