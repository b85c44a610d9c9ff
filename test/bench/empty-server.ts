/**
 * What HTTP and PostgreSQL cost without us: an empty fastify with a JSON POST, a route that reads one row through a pool, and
 * one that looks at nothing and answers as many bytes as a read; and once more with the door for LIST on its sockets. Run with the owner's connection as JSON; prints its two ports.
 */
import fastify from 'fastify';
import pg from 'pg';
import { listDoor } from '../../src/http/list-door.js';

const connection = JSON.parse(process.argv[2] ?? '{}') as {
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
};
const { host, port, database, user, password } = connection;
/** As long as the head and the body of a read that the benchmark makes. */
const BODY = JSON.stringify({ data: 'x'.repeat(460) });
const CONSTANT = {
  headers: { 'content-type': 'application/json', 'content-length': BODY.length, 'x-head': 'x'.repeat(250) },
  body: BODY,
};
const pool = new pg.Pool({ host, port, database, user, password, max: 8 });
const serve = async (door: boolean): Promise<number> => {
  const app = fastify();
  if (door) app.server.on('connection', listDoor);
  app.get('/empty', async () => ({ ok: true }));
  app.post('/post', async () => ({ ok: true }));
  app.get('/constant', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, CONSTANT.headers).end(CONSTANT.body);
  });
  app.get<{ Params: { id: string } }>('/read/:id', async request => {
    const { rows } = await pool.query({
      name: 'one',
      text: 'select * from bench_rows where position = $1',
      values: [Number(request.params.id) + 1],
    });
    return { data: rows[0]?.body.length };
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};
process.stdout.write(`${await serve(false)} ${await serve(true)}\n`);
