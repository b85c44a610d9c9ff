/** A cluster that is reached over TLS, with a certificate of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issue } from '../../support/certificates.js';
import { whenSuiteEnds } from '../../support/cleanup.js';
import { type TestCluster, testCluster } from '../../support/cluster.js';

export interface TlsCluster extends TestCluster {
  /** What its nodes show. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer };
}

export const tlsCluster = async (settings: Readonly<Record<string, string>> = {}): Promise<TlsCluster> => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-tls-'));
  whenSuiteEnds(async () => rmSync(folder, { recursive: true, force: true }));
  const server = issue({ name: 'localhost', dns: ['localhost'], addresses: ['127.0.0.1'] });
  const [tlsCert, tlsKey] = [join(folder, 'server.pem'), join(folder, 'server.key')];
  writeFileSync(tlsCert, server.pem);
  writeFileSync(tlsKey, server.keyPem, { mode: 0o600 });
  const tls = { cert: Buffer.from(server.pem), key: Buffer.from(server.keyPem) };
  return { ...(await testCluster(undefined, { ...settings, tlsCert, tlsKey })), tls };
};
