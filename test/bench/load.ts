/**
 * HTTP load from a process of its own: N connections, one request in flight on each, for so many seconds. Prints one JSON
 * line. Run by main.ts: node load.js ADDRESS TOKEN KIND CONNECTIONS SECONDS KEYS
 *
 * It shares the processors with what it measures, so it does the least that HTTP asks for: requests are made beforehand, and
 * of an answer it reads status and length. A client library costs three times as much.
 */
import { connect, type Socket } from 'node:net';

const [address = '', token = '', kind = 'write', connections = '64', seconds = '5', keys = '1000'] =
  process.argv.slice(2);
const { hostname, port, host } = new URL(address);
const body = JSON.stringify({
  data: { username: 'service', password: 'correct-horse-battery-staple', note: 'x'.repeat(60) },
});

const request = (method: 'GET' | 'POST', path: string): Buffer => {
  const about = method === 'POST' ? `content-type: application/json\r\ncontent-length: ${body.length}\r\n` : '';
  const head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nx-vault-token: ${token}\r\n${about}\r\n`;
  return Buffer.from(method === 'POST' ? head + body : head, 'latin1');
};

const requestOf = (n: number): Buffer => {
  switch (kind) {
    case 'write':
      return request('POST', `/v1/secret/data/bench/k${n}`);
    case 'read':
      return request('GET', `/v1/secret/data/bench/k${n}`);
    case 'empty':
      return request('GET', '/empty');
    case 'constant':
      return request('GET', '/constant');
    case 'post':
      return request('POST', '/post');
    default:
      return request('GET', `/read/${n}`);
  }
};

const requests = Array.from({ length: Number(keys) }, (_, n) => requestOf(n));
const latencies: number[] = [];
let [sent, failed] = [0, 0];
const until = performance.now() + Number(seconds) * 1000;

/** Bytes of the answer that begins `text`; null: its head is not whole yet. */
const lengthOf = (text: string): number | null => {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
  if (length === undefined) throw new Error(`an answer without a length: ${text.slice(0, end)}`);
  return end + 4 + Number(length);
};

/** Resolves when time is up and the last answer was read. */
const client = (socket: Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    let startedAt = 0;
    let answer = '';
    const next = (): void => {
      startedAt = performance.now();
      if (startedAt >= until) {
        socket.end();
        resolve();
        return;
      }
      const bytes = requests[sent % requests.length];
      sent += 1;
      if (bytes !== undefined) socket.write(bytes);
    };
    socket.setNoDelay(true);
    socket.on('connect', next);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the server closed the connection')));
    socket.on('data', (bytes: Buffer) => {
      answer += bytes.toString('latin1');
      const length = lengthOf(answer);
      if (length === null || answer.length < length) return;
      // "HTTP/1.1 " and the first digit.
      if (answer.charCodeAt(9) >= 52) failed += 1;
      answer = '';
      latencies.push(performance.now() - startedAt);
      next();
    });
  });

const before = process.cpuUsage();
const startedAt = performance.now();
await Promise.all(
  Array.from({ length: Number(connections) }, () => client(connect({ host: hostname, port: Number(port) }))),
);
const elapsed = (performance.now() - startedAt) / 1000;
latencies.sort((a, b) => a - b);
const at = (quantile: number): number => latencies[Math.floor(latencies.length * quantile)] ?? 0;
const { user, system } = process.cpuUsage(before);
const figures = { rate: latencies.length / elapsed, p50: at(0.5), p99: at(0.99), failed };
process.stdout.write(`${JSON.stringify({ ...figures, requests: latencies.length, cpu: user + system })}\n`);
