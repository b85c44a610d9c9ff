/** What the routes of login methods have in common. */
import type { Fields } from './route.js';

/** What a login's token gets. */
export const TOKEN_FIELDS: Fields = {
  ...{ token_ttl: 'duration', token_max_ttl: 'duration', token_explicit_max_ttl: 'duration' },
  ...{ token_period: 'duration', token_num_uses: 'integer', token_policies: 'strings', token_bound_cidrs: 'strings' },
  ...{ token_no_default_policy: 'boolean', token_strictly_bind_ip: 'boolean', token_type: 'string' },
};
