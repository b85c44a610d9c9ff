/** The login itself: the connection's certificate, a role that it fits, a token. */

import { type App, sessionOf } from '../../app.js';
import { operation } from '../../operation.js';
import type { LoginResult } from '../../tokens/contract.js';
import { Attempt } from '../attempt.js';
import { aliasId } from '../entity.js';
import { logIn } from '../log-in.js';
import { authMount } from '../records.js';
import type { CertOperations } from './contract.js';
import { aliasOf, clientOf, type KnownClient } from './known-client.js';
import { crlSettings } from './revoked.js';
import { certSettings } from './settings.js';

export const certLogin = (app: App): CertOperations['login'] =>
  operation('logging in with a certificate', async (context, { mount: path, role }): Promise<LoginResult> => {
    const session = sessionOf(app);
    await session.reader.refresh();
    const mount = authMount(session, path);
    // Nothing is guessed here that could be locked: attempts are told apart by address alone.
    const attempt = new Attempt({ app, session, context, mount, name: aliasId(session, mount, context.from.address) });
    const client = clientOf(session, context, mount, role, new Date(app.nowMs()));
    if (typeof client === 'string') return attempt.refused('certificate', { kind: 'invalid', message: client });
    const settings = certSettings(client.role);
    const lists = crlSettings(session, mount);
    const name = client.role.name;
    return logIn(attempt, {
      ...{ alias: aliasOf(client), kind: 'machine', entityName: aliasOf(client), settings, role: name },
      displayName: `cert-${settings.display_name === '' ? name : settings.display_name}`,
      meta: metadataOf(client),
      check: () => {
        const now = crlSettings(session, mount);
        const same = now.length === lists.length && now.every((list, i) => list === lists[i]);
        return same && session.authority.roles.get(client.role.id) === client.role
          ? null
          : { kind: 'busy', retryAfterSeconds: 1 };
      },
    });
  });

const colons = (hex: string): string => hex.replace(/..(?=.)/g, '$&:');

const metadataOf = ({ role, leaf, svid }: KnownClient): Readonly<Record<string, string>> => ({
  cert_name: role.name,
  common_name: (leaf.names.common[0] ?? '').slice(0, 512),
  serial_number: BigInt(`0x${leaf.serial}`).toString(),
  subject_key_id: colons(leaf.subjectKeyId),
  authority_key_id: colons(leaf.authorityKeyId),
  ...(svid === null ? {} : { spiffe_id: svid.text }),
});
