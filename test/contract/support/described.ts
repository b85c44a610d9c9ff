/** Mounts of every type that the OpenAPI document has routes for. */
import * as assert from 'uvu/assert';
import { ROUTES } from '../../../src/http/openapi/routes.js';
import type { TestNode } from '../../support/cluster.js';

/** There from the first day. */
const PRESENT: Readonly<Record<string, string>> = { kv: 'secret', cubbyhole: 'cubbyhole' };

/** Without `auth/`. */
export const mountPathOf = (type: string): string => PRESENT[type] ?? `${type.replace(/^auth\//, '')}-here`;

/** As mounts are enabled: KV has two versions under one type. */
const fieldsOf = (type: string): object =>
  type === 'kv-v1' ? { type: 'kv', options: { version: '1' } } : { type: type.replace(/^auth\//, '') };

export const enableEvery = async (node: TestNode): Promise<void> => {
  const types = new Set(ROUTES.flatMap(({ mount }) => mount ?? []));
  for (const type of types) {
    if (PRESENT[type] !== undefined) continue;
    const door = type.startsWith('auth/') ? 'auth' : 'mounts';
    const reply = await node.call('POST', `sys/${door}/${mountPathOf(type)}`, fieldsOf(type));
    assert.is(reply.status, 204, reply.text);
  }
};
