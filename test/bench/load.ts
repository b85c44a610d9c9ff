/**
 * HTTP load from a process of its own: N connections, one request in flight on each, for so many seconds. Prints one JSON
 * line. Run by main.ts: node load.js ADDRESS TOKEN KIND CONNECTIONS SECONDS KEYS
 */
import { Pool } from 'undici';

const [address = '', token = '', kind = 'write', connections = '64', seconds = '5', keys = '1000'] =
  process.argv.slice(2);
const pool = new Pool(address, { connections: Number(connections), pipelining: 1 });
const body = JSON.stringify({
  data: { username: 'service', password: 'correct-horse-battery-staple', note: 'x'.repeat(60) },
});
const headers = { 'x-vault-token': token, 'content-type': 'application/json' };

const requestOf = (n: number) => {
  const path = `bench/k${n % Number(keys)}`;
  switch (kind) {
    case 'write':
      return { method: 'POST' as const, path: `/v1/secret/data/${path}`, headers, body };
    case 'read':
      return { method: 'GET' as const, path: `/v1/secret/data/${path}`, headers };
    case 'empty':
      return { method: 'GET' as const, path: '/empty', headers };
    case 'post':
      return { method: 'POST' as const, path: '/post', headers, body };
    default:
      return { method: 'GET' as const, path: `/read/${n % Number(keys)}`, headers };
  }
};

const latencies: number[] = [];
let [sent, failed] = [0, 0];
const until = performance.now() + Number(seconds) * 1000;

const client = async (): Promise<void> => {
  while (performance.now() < until) {
    const startedAt = performance.now();
    sent += 1;
    const { statusCode, body: answer } = await pool.request(requestOf(sent));
    await answer.dump();
    if (statusCode >= 400) failed += 1;
    latencies.push(performance.now() - startedAt);
  }
};

const before = process.cpuUsage();
const startedAt = performance.now();
await Promise.all(Array.from({ length: Number(connections) }, client));
const elapsed = (performance.now() - startedAt) / 1000;
await pool.close();
latencies.sort((a, b) => a - b);
const at = (quantile: number): number => latencies[Math.floor(latencies.length * quantile)] ?? 0;
const { user, system } = process.cpuUsage(before);
const figures = { rate: latencies.length / elapsed, p50: at(0.5), p99: at(0.99), failed };
process.stdout.write(`${JSON.stringify({ ...figures, requests: latencies.length, cpu: user + system })}\n`);
