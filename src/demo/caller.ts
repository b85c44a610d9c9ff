/** The few calls that the demo makes, over HTTP like any client. */
import * as t from 'io-ts';

const Written = t.type({ data: t.type({ version: t.number }) });
const Value = t.type({ data: t.type({ data: t.record(t.string, t.string) }) });
const Keys = t.type({ data: t.type({ keys: t.array(t.string) }) });
const Event = t.type({
  position: t.number,
  recorded_at: t.string,
  type: t.string,
  path: t.union([t.string, t.null]),
  actor: t.union([t.type({ name: t.union([t.string, t.null]) }), t.null]),
});
const Events = t.type({ data: t.type({ events: t.array(Event) }) });
const Plan = t.type({
  data: t.type({ plan_id: t.string, changes: t.array(t.type({ path: t.string, change: t.string })) }),
});
const Applied = t.type({ data: t.type({ position: t.number }) });
const Verified = t.type({
  data: t.type({ projections: t.array(t.type({ name: t.string, rows: t.number, differences: t.number })) }),
});

export class Caller {
  constructor(
    readonly address: string,
    readonly token: string,
  ) {}

  async write(
    path: string,
    data: Readonly<Record<string, string>>,
    reason?: string,
  ): Promise<{ version: number; position: number }> {
    const response = await this.#send('POST', `secret/data/${path}`, { data }, reason);
    const { data: written } = await this.#decoded(Written, response);
    return { version: written.version, position: Number(response.headers.get('x-tallystick-position')) };
  }

  async remove(path: string, reason: string): Promise<void> {
    await this.#send('DELETE', `secret/data/${path}`, undefined, reason);
  }

  /** Null: deleted, or never there. */
  async read(path: string, position?: number): Promise<Readonly<Record<string, string>> | null> {
    const response = await this.#send(
      'GET',
      `secret/data/${path}${position === undefined ? '' : `?position=${position}`}`,
    );
    return response.status === 404 ? null : (await this.#decoded(Value, response)).data.data;
  }

  async list(folder: string, position: number): Promise<readonly string[]> {
    return (
      await this.#decoded(Keys, await this.#send('GET', `secret/metadata/${folder}?list=true&position=${position}`))
    ).data.keys;
  }

  async events(path: string): Promise<readonly t.TypeOf<typeof Event>[]> {
    return (await this.#decoded(Events, await this.#send('GET', `sys/ledger/events?path=${path}`))).data.events;
  }

  async plan(path: string, position: number): Promise<t.TypeOf<typeof Plan>['data']> {
    return (
      await this.#decoded(
        Plan,
        await this.#send('POST', 'sys/ledger/restore/plan', { mount: 'secret', path, position }),
      )
    ).data;
  }

  async apply(planId: string): Promise<{ position: number }> {
    return (await this.#decoded(Applied, await this.#send('POST', 'sys/ledger/restore/apply', { plan_id: planId })))
      .data;
  }

  async verifyProjections(): Promise<t.TypeOf<typeof Verified>['data']['projections']> {
    return (await this.#decoded(Verified, await this.#send('POST', 'sys/ledger/projections/verify', {}))).data
      .projections;
  }

  #send(method: string, path: string, body?: object, reason?: string): Promise<Response> {
    return fetch(`${this.address}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': this.token, ...(reason === undefined ? {} : { 'x-tallystick-reason': reason }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async #decoded<A>(codec: t.Type<A, unknown, unknown>, response: Response): Promise<A> {
    const decoded = codec.decode(await response.json());
    if (decoded._tag === 'Left') throw new Error(`the server answered ${response.status}, not what was expected`);
    return decoded.right;
  }
}
