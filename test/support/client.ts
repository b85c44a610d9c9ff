/** How tests speak HTTP: over TLS they believe the test's own server certificate, and may show one of theirs. */
import { readFileSync } from 'node:fs';
import { Agent, fetch, type RequestInit } from 'undici';

export interface ClientCertificate {
  /** The leaf first, then whatever comes with it. */
  readonly pem: string;
  readonly keyPem: string;
}

export interface TestReply {
  readonly status: number;
  readonly headers: Headers;
  text(): Promise<string>;
}

export interface TestClient {
  fetch(url: string, certificate: ClientCertificate | undefined, init: RequestInit): Promise<TestReply>;
  close(): Promise<void>;
}

/** `server` = the file of the server's certificate; undefined: plain HTTP. */
export const testClient = (server: string | undefined): TestClient => {
  const ca = server === undefined ? {} : { ca: readFileSync(server) };
  const agents = new Map<ClientCertificate | undefined, Agent>();
  const agentOf = (certificate: ClientCertificate | undefined): Agent => {
    const shown = certificate === undefined ? {} : { cert: certificate.pem, key: certificate.keyPem };
    const agent = agents.get(certificate) ?? new Agent({ connect: { ...ca, ...shown } });
    agents.set(certificate, agent);
    return agent;
  };
  return {
    fetch: async (url, certificate, init) => {
      const response = await fetch(url, { ...init, dispatcher: agentOf(certificate) });
      return {
        status: response.status,
        headers: new Headers([...response.headers]),
        text: () => response.text(),
      };
    },
    close: async () => {
      for (const agent of agents.values()) await agent.destroy();
    },
  };
};
