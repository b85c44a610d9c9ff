/** A machine's token as services have it: an AppRole, and the policies of a team among others. */
import * as t from 'io-ts';
import type { Server } from './processes.js';

const TEAMS = 8;
const APPS = 12;

/** One team's: its applications, what they share, and what nobody may touch. */
const policyOf = (team: number): string =>
  [
    `path "secret/data/team-${team}/+/config" { capabilities = ["read"] }`,
    `path "secret/metadata/team-${team}/*" { capabilities = ["read", "list"] }`,
    `path "secret/data/team-${team}/root/*" { capabilities = ["deny"] }`,
    ...Array.from(
      { length: APPS },
      (_, app) => `path "secret/data/team-${team}/app-${app}/*" { capabilities = ["create", "read", "update"] }`,
    ),
  ].join('\n');

const RoleId = t.type({ data: t.type({ role_id: t.string }) });
const SecretId = t.type({ data: t.type({ secret_id: t.string }) });
const Login = t.type({ auth: t.type({ client_token: t.string }) });

/** Its policies allow the load's own paths too. */
export const appRoleToken = async (server: Server): Promise<string> => {
  const ask = async (method: string, path: string, fields?: object): Promise<unknown> => {
    const response = await fetch(`${server.address}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': server.token },
      ...(fields === undefined ? {} : { body: JSON.stringify(fields) }),
    });
    if (response.status >= 300) throw new Error(`${method} ${path} answered ${response.status}`);
    return response.status === 204 ? null : await response.json();
  };
  const read = <A>(codec: t.Type<A, unknown, unknown>, answer: unknown): A => {
    if (!codec.is(answer)) throw new Error('the server answered something else');
    return answer;
  };
  const names = Array.from({ length: TEAMS }, (_, team) => `team-${team}`);
  for (const [team, name] of names.entries())
    await ask('PUT', `sys/policies/acl/${name}`, {
      policy: `${policyOf(team)}\npath "secret/data/bench/*" { capabilities = ["create", "read", "update"] }`,
    });
  await ask('POST', 'sys/auth/approle', { type: 'approle' });
  await ask('POST', 'auth/approle/role/bench', { token_policies: names, token_ttl: '1h' });
  const { role_id } = read(RoleId, await ask('GET', 'auth/approle/role/bench/role-id')).data;
  const { secret_id } = read(SecretId, await ask('POST', 'auth/approle/role/bench/secret-id', {})).data;
  return read(Login, await ask('POST', 'auth/approle/login', { role_id, secret_id })).auth.client_token;
};
