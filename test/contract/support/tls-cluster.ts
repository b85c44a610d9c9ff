/** A cluster that is reached over TLS, with a certificate of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issue } from '../../support/certificates.js';
import { whenSuiteEnds } from '../../support/cleanup.js';
import { type TestCluster, testCluster } from '../../support/cluster.js';

export const tlsCluster = (): Promise<TestCluster> => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-tls-'));
  whenSuiteEnds(async () => rmSync(folder, { recursive: true, force: true }));
  const server = issue({ name: 'localhost', dns: ['localhost'], addresses: ['127.0.0.1'] });
  const [tlsCert, tlsKey] = [join(folder, 'server.pem'), join(folder, 'server.key')];
  writeFileSync(tlsCert, server.pem);
  writeFileSync(tlsKey, server.keyPem, { mode: 0o600 });
  return testCluster(undefined, { tlsCert, tlsKey });
};
