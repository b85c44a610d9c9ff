/** What answers below a mount, by the mount's type: an engine or a login method more is a line more. */
import type { MountDetail } from '../operations/mounts/contract.js';
import { table } from '../table.js';
import { administrators } from './administrators.js';
import type { Answer } from './answer.js';
import { approle } from './approle.js';
import type { Call } from './call.js';
import { certEngine } from './cert.js';
import { cubbyhole } from './cubbyhole.js';
import { jwtEngine } from './jwt.js';
import { kvV1 } from './kv-v1.js';
import { kvV2 } from './kv-v2.js';
import { userpass } from './userpass.js';

/**
 * `inside` = the path inside the mount. Null: no path of this engine. Who asks for what nothing serves is judged before the
 * answer is given.
 */
export type Engine = (call: Call, mount: MountDetail, inside: string) => Promise<Answer> | Answer | null;

export const engines = table<Engine>({
  administrators,
  approle,
  cert: certEngine,
  jwt: jwtEngine,
  cubbyhole,
  kv: (call, mount, inside) => (mount.options.version === '2' ? kvV2 : kvV1)(call, mount, inside),
  generic: kvV1,
  userpass,
});
