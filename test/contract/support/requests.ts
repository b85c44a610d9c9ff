/** Requests made up from the OpenAPI document: near what is meant, and far from it. Sent as they are, over real sockets. */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import fc from 'fast-check';
import type { Json } from '../../support/cluster.js';
import { mountPathOf } from './described.js';

export interface MadeRequest {
  readonly method: string;
  /** As it goes over the wire. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly as: 'root' | 'weak' | 'nobody';
}

export interface Heard {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Described {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, Json>>;
  readonly fields: Readonly<Record<string, Json>>;
}

export const operationsOf = (document: Json): readonly Described[] =>
  Object.entries<Json>(document.paths).flatMap(([path, item]) =>
    Object.entries<Json>(item).flatMap(([method, operation]) => {
      if (method === 'parameters') return [];
      const content = Object.values<Json>(operation.requestBody?.content ?? {});
      const query = (operation.parameters ?? []).map(({ name, schema }: Json) => [name, schema]);
      return {
        ...{ method: method.toUpperCase(), path, query: Object.fromEntries(query) },
        fields: content[0]?.schema.properties ?? {},
      };
    }),
  );

const NAMES = ['a', 'b', 'c', 'folder/x', 'ada', 'x-1'];
const ODD_NAMES = [
  ...['ünï', 'a b', '%', '%2F', '..', '.', '+', '*', '\0', '\u200b', 'A;b?c#d', '__proto__', '\'"\\', '/', ''],
  'n'.repeat(600),
];

const name = fc.oneof({ weight: 15, arbitrary: fc.constantFrom(...NAMES) }, fc.constantFrom(...ODD_NAMES), fc.string());

const text = fc.oneof(
  { weight: 4, arbitrary: name },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '1h',
      '-5s',
      '0',
      '1',
      'true',
      'default',
      'root',
      'secret',
      '10.0.0.0/8',
      '2026-01-01T00:00:00Z',
    ),
  },
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constant('x'.repeat(20_000)),
);

const number = fc.oneof(fc.integer({ min: -3, max: 9 }), fc.integer(), fc.constantFrom(1.5, 2 ** 53, 1e21, -0));

const ofType = (schema: Json): fc.Arbitrary<unknown> => {
  switch (schema.type) {
    case 'integer':
    case 'number':
      return number;
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(ofType(schema.items), { maxLength: 4 });
    case 'object':
      return fc.dictionary(name, fc.oneof(text, number, fc.jsonValue({ maxDepth: 3 })), { maxKeys: 4 });
    default:
      return text;
  }
};

/** Mostly what is asked for, sometimes anything. */
const value = (schema: Json): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 20, arbitrary: ofType(schema) }, fc.jsonValue({ maxDepth: 2 }), fc.constant(null));

const some = (fields: Readonly<Record<string, Json>>): fc.Arbitrary<object> =>
  fc.record(Object.fromEntries(Object.entries(fields).map(([key, schema]) => [key, value(schema)])), {
    requiredKeys: [],
  });

const bodyOf = ({ method, fields }: Described): fc.Arbitrary<string | null> =>
  method === 'GET' || method === 'DELETE'
    ? fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, fc.constant('no json'))
    : fc.oneof(
        { weight: 12, arbitrary: some(fields).map(body => JSON.stringify(body)) },
        fc.dictionary(name, fc.jsonValue({ maxDepth: 3 })).map(body => JSON.stringify(body)),
        fc.constantFrom('', 'null', '[1]', '"x"', '{"a":', '{} {}', '{"a":1,"a":2}', '\ufeff{}', 'a=b&c=d'),
        fc.constantFrom('{"data":'.repeat(200), `{"data":${'['.repeat(3000)}${']'.repeat(3000)}}`, '{"ttl":1e999}'),
      );

const pathOf = ({ path }: Described): fc.Arbitrary<string> => {
  const parts = path.split(/(\{\w+\})/).map(part => {
    const mount = /^\{(\w+)_mount_path\}$/.exec(part)?.[1];
    if (mount !== undefined) return fc.constant(mountPathOf(mount.replaceAll('_', '-')));
    return part.startsWith('{') ? name.map(encodeURIComponent) : fc.constant(part);
  });
  return fc.tuple(...parts).map(made => made.join(''));
};

const queryOf = ({ query }: Described): fc.Arbitrary<string> =>
  some(query).map(made =>
    Object.entries({ ...('list' in query ? { list: 'true' } : {}), ...made })
      .map(([key, one]) => `${key}=${encodeURIComponent(typeof one === 'string' ? one : JSON.stringify(one))}`)
      .join('&'),
  );

/** Latin letters and signs: what may stand in a header. */
const headerText = fc.string({ unit: 'grapheme-ascii', maxLength: 40 });

const headers = ({ method }: Described): fc.Arbitrary<Record<string, string>> =>
  fc
    .record(
      {
        'content-type': fc.oneof(
          {
            weight: 5,
            arbitrary: fc.constant(method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'),
          },
          fc.constantFrom('text/plain', 'application/x-www-form-urlencoded', ';;', 'x'),
        ),
        'x-vault-wrap-ttl': fc.constantFrom('60', '1h', '-1', 'abc', '0'),
        'x-vault-namespace': fc.constantFrom('root', '', 'team'),
        'idempotency-key': fc.oneof(fc.uuid(), headerText),
        'x-tallystick-reason': headerText,
        'x-forwarded-for': headerText,
      },
      { requiredKeys: method === 'PATCH' ? ['content-type'] : [] },
    )
    .map(made =>
      Object.fromEntries(
        // Few stay: most requests are plain.
        Object.entries(made).filter(([key, one], i) => key === 'content-type' || (one.length + i) % 7 === 0),
      ),
    );

export const requestTo = (described: Described): fc.Arbitrary<MadeRequest> =>
  fc.record({
    method: fc.constant(described.method),
    target: fc
      .tuple(pathOf(described), queryOf(described))
      .map(([path, query]) => `/v1${path}${query === '' ? '' : `?${query}`}`),
    headers: headers(described),
    body: bodyOf(described),
    as: fc.oneof(
      { weight: 3, arbitrary: fc.constant('root' as const) },
      { weight: 1, arbitrary: fc.constantFrom('weak' as const, 'nobody' as const) },
    ),
  });

const agent = new Agent({ keepAlive: true, maxSockets: 16 });

/** Rejects when nothing comes: a hang. */
export const send = (
  address: string,
  { method, target, body, headers: given }: MadeRequest,
  more: Readonly<Record<string, string>>,
): Promise<Heard> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(address);
    const length = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = { hostname, port, method, path: target, agent, timeout: 15_000 };
    const sent = request({ ...options, headers: { ...given, ...length, ...more } }, response => {
      let heard = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        heard += chunk;
      });
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: heard }));
    });
    sent.once('timeout', () => sent.destroy(new Error('no answer in 15 s')));
    sent.once('error', reject);
    sent.end(body ?? undefined);
  });

export const closeAgent = (): void => agent.destroy();
