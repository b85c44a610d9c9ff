/** What only this server has. */
import { does, type Fields, gives, type Route } from './route.js';

const MOMENT: Fields = { at: 'string', position: 'integer' };
const PLACE: Fields = { mount: 'string', path: 'string' };
const PLAN: Fields = { plan_id: 'string' };
const TRAIL: Fields = {
  ...{ after: 'string', limit: 'integer', path: 'string', actor: 'string', type: 'string', outcome: 'string' },
  ...{ from: 'string', to: 'string', format: 'string' },
};

export const ledger: readonly Route[] = [
  { path: 'sys/ledger/head', verbs: { read: gives('The newest position and the root of the tree') } },
  { path: 'sys/ledger/events', verbs: { read: gives('The audit trail', TRAIL) } },
  {
    path: 'sys/ledger/can',
    verbs: {
      read: gives('Whether somebody may do something', {
        actor: 'string',
        capability: 'string',
        path: 'string',
        ...MOMENT,
      }),
    },
  },
  {
    path: 'sys/ledger/access',
    verbs: { read: gives('Who may do something on a path', { path: 'string', ...MOMENT }) },
  },
  { path: 'sys/ledger/restore/plan', verbs: { write: gives('Compares a moment with now', { ...PLACE, ...MOMENT }) } },
  { path: 'sys/ledger/restore/apply', verbs: { write: gives('Brings a planned moment back', PLAN) } },
  {
    path: 'sys/ledger/erase/plan',
    verbs: { write: gives('Lists what would be destroyed', { ...PLACE, basis: 'string' }) },
  },
  { path: 'sys/ledger/erase/apply', verbs: { write: gives('Destroys what was planned, for ever', PLAN) } },
  {
    path: 'sys/ledger/erasures',
    verbs: {
      read: gives('What was destroyed for good, and by when it is gone', { after: 'integer', limit: 'integer' }),
    },
  },
  { path: 'sys/ledger/erasures/{position}', verbs: { read: gives('The certificate of an erasure') } },
  { path: 'sys/ledger/holds', verbs: { read: gives('Legal holds'), list: gives('Legal holds') } },
  {
    path: 'sys/ledger/holds/{name}',
    verbs: { write: does('Keeps a place from being erased', PLACE), delete: does('Lifts a hold') },
  },
  { path: 'sys/ledger/retention', verbs: { read: gives('Retention rules'), list: gives('Retention rules') } },
  {
    path: 'sys/ledger/retention/{name}',
    verbs: {
      write: does('Keeps a place from being erased too early', { ...PLACE, minimum_age: 'duration' }),
      delete: does('Removes a retention rule'),
    },
  },
  { path: 'sys/ledger/projections', verbs: { read: gives('Position and lag of projections') } },
  {
    path: 'sys/ledger/projections/verify',
    verbs: { write: gives('Compares projections with a replay', { name: 'string' }) },
  },
  {
    path: 'sys/ledger/projections/{name}/rebuild',
    verbs: { write: gives('Builds a projection anew beside the live one') },
  },
];
