/** `?help=`: what is said of a path in the OpenAPI document, to whoever has a token that lives (vault-wire.md §2.1). */
import { type Answer, oneError, raw } from './answer.js';
import { answered, type Call } from './call.js';
import type { DescribedVerb } from './openapi/route.js';
import { routesAt } from './openapi/routes.js';

const WORDS: Readonly<Record<DescribedVerb, string>> = {
  ...{ read: 'GET', list: 'LIST', write: 'POST', patch: 'PATCH', delete: 'DELETE' },
};

export const help = (call: Call): Promise<Answer> =>
  answered(call, call.operations.known(call.context, {}), () => {
    const lines = routesAt(call.path).flatMap(({ verbs }) =>
      (Object.keys(WORDS) as DescribedVerb[]).flatMap(verb => {
        const described = verbs[verb];
        if (described === undefined) return [];
        const fields = Object.entries(described.fields).map(([name, type]) => `\n    ${name} (${type})`);
        return `${WORDS[verb]}: ${described.summary}${fields.join('')}`;
      }),
    );
    return lines.length === 0
      ? oneError(404, 'unsupported path')
      : raw(200, { help: lines.join('\n'), see_also: null, openapi: null });
  });
