/** The audit index: narrow rows of every lane, folded in one statement. */
import { inSets, type Projection } from '../../src/projector/projection.js';
import { noRow, query } from '../../src/sql.js';
import { tableSql } from '../table-sql.js';

export const auditIndex: Projection = {
  name: 'audit-index',
  version: 1,
  tables: ['audit_index'],
  ...tableSql('audit-index'),
  newFold: inSets(
    query(
      'projection_audit_index',
      noRow,
      `insert into audit_index (position, stream_id, actor, type, recorded_at)
       select position, stream_id, actor, type, recorded_at from events where position > $1 and position <= $2`,
    ),
  ),
};
