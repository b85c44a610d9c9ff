/**
 * Every route of the OpenAPI document, asked for what it is not made for: no answer is the server's fault, none is missing,
 * and whatever is in the ledger afterwards was asked for in a request that was answered with success.
 *
 * FUZZ_REQUESTS=20000 for a long run, FUZZ_SEED=… for the same one again.
 */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type Json, type TestCluster, type TestNode, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';
import { enableEvery } from './support/described.js';
import { closeAgent, type Heard, type MadeRequest, operationsOf, requestTo, send } from './support/requests.js';
import { tokenCalls } from './support/tokens.js';

const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31));
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 3000);
const AT_ONCE = 8;

/** They end the server's work or the test's token, or take seconds each; other tests are about them. */
const LEFT_OUT =
  /^\/sys\/(?:seal|init|rotate|ledger\/keys\/rotate|ledger\/epochs.*|ledger\/root-key.*|ledger\/projections\/.*|quotas\/rate-limit\/.*|leases\/revoke-.*|revoke-.*)$|revoke-self$/;

interface Asked {
  readonly request: MadeRequest;
  readonly heard: Heard;
}

let cluster: TestCluster;
let node: TestNode;
/** By the trace id that each carried into its events. */
const asked = new Map<string, Asked>();
let before = 0;

const traceOf = (number: number): string => String(number + 1).padStart(32, '0');

const shown = ({ request, heard }: Asked): string =>
  `seed ${SEED}: ${request.as} ${request.method} ${request.target.slice(0, 200)} ${JSON.stringify(request.headers)} ` +
  `${request.body?.slice(0, 300) ?? ''}\n  ${heard.status} ${heard.text.slice(0, 300)}`;

const faults = (is: (heard: Heard, request: MadeRequest) => boolean): readonly string[] =>
  [...asked.values()].filter(({ heard, request }) => is(heard, request)).map(shown);

const none = (found: readonly string[]): void => assert.is(found.length, 0, found.slice(0, 5).join('\n'));

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('thousands of requests made up from the OpenAPI document', test => {
  test.before(async () => {
    cluster = await testCluster(undefined, { openRate: '0' });
    node = cluster.node;
    await enableEvery(node);
    const calls = tokenCalls(node);
    await calls.policy('weak', 'path "secret/data/a" { capabilities = ["read", "create"] }');
    const tokens = {
      root: (await calls.make({ policies: ['root'] })).client_token,
      weak: (await calls.make({ policies: ['weak'] })).client_token,
    };
    const document = (await calls.get('sys/internal/specs/openapi')).body;
    const operations = operationsOf(document).filter(({ path }) => !LEFT_OUT.test(path));
    assert.ok(operations.length > 100, `${operations.length} operations`);
    await node.program.nexus.session?.recorder.flush();
    before = (await calls.get('sys/ledger/head')).body.data.position;

    const each = Math.ceil(REQUESTS / operations.length);
    const requests = operations.flatMap((operation, i) =>
      fc.sample(requestTo(operation), { numRuns: each, seed: SEED + i }),
    );
    // Not route by route: what one leaves behind is what the next one finds.
    const mixed = requests.map((request, i) => ({ request, place: (i * 7919) % requests.length }));
    mixed.sort((a, b) => a.place - b.place);
    let next = 0;
    const work = async (): Promise<void> => {
      for (;;) {
        const number = next;
        next += 1;
        const request = mixed[number]?.request;
        if (request === undefined) return;
        const trace = traceOf(number);
        const token = request.as === 'nobody' ? {} : { 'x-vault-token': tokens[request.as] };
        const heard = await send(node.address, request, {
          ...token,
          traceparent: `00-${trace}-0000000000000001-01`,
        }).catch((error: Error) => ({ status: 0, headers: {}, text: error.message }));
        asked.set(trace, { request, heard });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    closeAgent();
  });

  test('are all answered', () => {
    assert.ok(asked.size >= REQUESTS, `${asked.size}`);
    none(faults(({ status }) => status === 0));
  });

  test('are never the server’s fault; a conflict says when to try again', () => {
    none(faults(({ status, headers }) => status >= 500 && !(status === 503 && headers['retry-after'] !== undefined)));
    const busy = faults(({ status }) => status === 503);
    assert.ok(busy.length <= asked.size / 100, busy.slice(0, 5).join('\n'));
  });

  test('reach success, refusal and absence on the way: they are near enough to what is meant', () => {
    for (const status of [200, 204, 400, 403, 404])
      assert.ok(
        [...asked.values()].filter(({ heard }) => heard.status === status).length > REQUESTS / 50,
        `hardly any was answered with ${status} (seed ${SEED})`,
      );
  });

  test('are answered in the form of the dialect', () => {
    none(faults(({ headers, text }) => headers['content-type'] === 'application/json' && text !== '' && !isJson(text)));
    none(faults(({ status, text }) => status >= 400 && text !== '' && !/"(?:errors|data|warnings)":/.test(text)));
  });

  test('get nothing without a token that needs one, and tell nobody the root token', () => {
    none(faults(({ text }) => text.includes(cluster.rootToken)));
    none(
      faults(
        ({ status }, { as, target }) =>
          as === 'nobody' &&
          status < 300 &&
          /^\/v1\/(?:secret|cubbyhole|auth\/token|sys\/(?:policies|ledger))\//.test(target),
      ),
    );
  });

  test('leave only events that somebody asked for, and was told of', async () => {
    const events: Json[] = [];
    for (let after = `${before}`; ; ) {
      const page = (await node.call('GET', `sys/ledger/events?limit=1000&after=${after}`)).body.data;
      events.push(...page.events);
      if (page.next === null) break;
      after = page.next;
    }
    const changes = events.filter(
      ({ index, class: kind, type, actor_kind: actor, outcome }) =>
        index === 0 && (kind !== 'audit' || /^hold\./.test(type)) && outcome === 'ok' && actor !== 'system',
    );
    const causeless = changes.filter(({ request, type }) => {
      const cause = asked.get(request?.trace ?? '');
      return cause === undefined || (cause.heard.status >= 300 && type !== 'token.spent');
    });
    assert.is(
      causeless.length,
      0,
      causeless
        .slice(0, 5)
        .map(({ type, position, op, path, request }) => {
          const cause = asked.get(request?.trace ?? '');
          return `${type} at ${position} by ${op} on ${path}\n  ${cause === undefined ? 'no request' : shown(cause)}`;
        })
        .join('\n'),
    );
    assert.ok(changes.length > REQUESTS / 100, `${changes.length} changes`);
    const positions = new Map(changes.map(({ position, request }) => [position, request?.trace]));
    const untold = [...asked].filter(([trace, { request, heard }]) => {
      const position = Number(heard.headers['x-tallystick-position'] ?? 0);
      return request.method !== 'GET' && heard.status < 300 && position > 0 && positions.get(position) !== trace;
    });
    none(untold.map(([, one]) => shown(one)));
  });
});
