/** The OpenAPI document, made from the routes. It says nothing of this server: not its mounts, not its policies. */
import { packageVersion } from '../../package-root.js';
import type { Described, DescribedVerb, FieldType, Route } from './route.js';
import { ROUTES, templateOf } from './routes.js';

type Json = Readonly<Record<string, unknown>>;

const SCHEMAS: Readonly<Record<FieldType, Json>> = {
  string: { type: 'string' },
  integer: { type: 'integer' },
  number: { type: 'number' },
  boolean: { type: 'boolean' },
  duration: { type: 'string', format: 'duration', description: 'seconds, or text such as 1h30m' },
  strings: { type: 'array', items: { type: 'string' } },
  integers: { type: 'array', items: { type: 'integer' } },
  map: { type: 'object', additionalProperties: { type: 'string' } },
  object: { type: 'object' },
  any: {},
};

/** LIST has no place in OpenAPI: it is GET with `list=true`, at the path with a slash at its end. */
const METHODS: Readonly<Record<DescribedVerb, string>> = {
  ...{ read: 'get', list: 'get', write: 'post', patch: 'patch', delete: 'delete' },
};

const reference = (name: string): Json => ({ $ref: `#/components/responses/${name}` });

const operation = (route: Route, verb: DescribedVerb, { summary, fields, success }: Described): Json => {
  const inBody = verb === 'write' || verb === 'patch';
  const properties = Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, SCHEMAS[type]]));
  const type = verb === 'patch' ? 'application/merge-patch+json' : 'application/json';
  const query = [
    ...(verb === 'list'
      ? [{ name: 'list', in: 'query', required: true, schema: { type: 'string', enum: ['true'] } }]
      : []),
    ...(inBody ? [] : Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }))),
  ];
  return {
    summary,
    tags: [route.mount ?? (route.path.startsWith('sys/') ? 'system' : (route.path.split('/')[0] ?? ''))],
    operationId: `${verb}-${templateOf(route)
      .replace(/[^\w]+/g, '-')
      .replace(/^-|-$/g, '')}`,
    ...(route.open ? { security: [] } : {}),
    ...(query.length === 0 ? {} : { parameters: query }),
    ...(inBody && Object.keys(properties).length > 0
      ? { requestBody: { content: { [type]: { schema: { type: 'object', properties } } } } }
      : {}),
    responses: {
      [success === 'nothing' ? '204' : '200']: reference(success),
      default: reference('failure'),
    },
  };
};

const pathItems = (route: Route): readonly (readonly [string, Json])[] => {
  const template = templateOf(route);
  const plain = `/${template.replaceAll('*}', '}')}`;
  const parameters = [...template.matchAll(/\{(\w+)(\*?)\}/g)].map(([, name, rest]) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
    ...(rest === '*' ? { description: 'may hold slashes' } : {}),
  }));
  const shared = parameters.length === 0 ? {} : { parameters };
  const { list, ...others } = route.verbs;
  const verbs = (['read', 'write', 'patch', 'delete'] as const).flatMap(verb => {
    const described = others[verb];
    return described === undefined ? [] : [[METHODS[verb], operation(route, verb, described)]];
  });
  return [
    ...(verbs.length === 0 ? [] : [[plain, { ...shared, ...Object.fromEntries(verbs) }] as const]),
    ...(list === undefined ? [] : [[`${plain}/`, { ...shared, get: operation(route, 'list', list) }] as const]),
  ];
};

const envelope = (properties: Json): Json => ({
  type: 'object',
  properties: {
    request_id: { type: 'string' },
    lease_id: { type: 'string' },
    renewable: { type: 'boolean' },
    lease_duration: { type: 'integer' },
    data: { type: 'object', nullable: true },
    wrap_info: { type: 'object', nullable: true },
    warnings: { type: 'array', items: { type: 'string' }, nullable: true },
    auth: { type: 'object', nullable: true },
    ...properties,
  },
});

const inJson = (description: string, schema: Json): Json => ({
  description,
  content: { 'application/json': { schema } },
});

const made = (): string =>
  JSON.stringify({
    openapi: '3.0.3',
    info: { title: 'Tallystick', version: packageVersion, license: { name: 'Apache-2.0' } },
    servers: [{ url: '/v1' }],
    security: [{ token: [] }],
    paths: Object.fromEntries(ROUTES.flatMap(pathItems)),
    components: {
      securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Vault-Token' } },
      responses: {
        data: inJson('The answer in its envelope', envelope({})),
        auth: inJson('A token in the envelope', envelope({ auth: { type: 'object' } })),
        bare: inJson('The answer without an envelope', { type: 'object' }),
        text: { description: 'Text', content: { 'text/plain': { schema: { type: 'string' } } } },
        nothing: { description: 'It is done' },
        failure: inJson('What went wrong; an empty list where nothing is there', {
          type: 'object',
          properties: { errors: { type: 'array', items: { type: 'string' } } },
        }),
      },
    },
  });

let document: string | null = null;

/** JSON text: made once. */
export const openApi = (): string => {
  document ??= `${made()}\n`;
  return document;
};
