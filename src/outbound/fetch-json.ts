/**
 * A bounded GET of a JSON document from a URL that an administrator configured. No redirects, no credentials, and the answer
 * is decoded by whoever asked.
 */
import { Agent, request } from 'undici';

/** `ca` = PEM of the only authorities to believe; '' = the well-known ones. Throws for anything but a 200 with JSON. */
export type FetchJson = (url: string, ca: string) => Promise<unknown>;

const TIMEOUT_MS = 5000;
const BYTES_MAX = 1024 * 1024;

export const fetchJson: FetchJson = async (url, ca) => {
  const agent = new Agent({
    connect: { timeout: TIMEOUT_MS, ...(ca === '' ? {} : { ca }) },
    maxResponseSize: BYTES_MAX,
  });
  try {
    const { statusCode, body } = await request(url, {
      dispatcher: agent,
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`answered ${statusCode}`);
    return JSON.parse(text);
  } finally {
    await agent.destroy();
  }
};
