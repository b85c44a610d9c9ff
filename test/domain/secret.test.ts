import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { encodeFacts } from '../../src/crypto/cbor.js';
import type { SecretCommand } from '../../src/domain/secret/commands.js';
import { decide } from '../../src/domain/secret/decide.js';
import { evolve, initial, type SecretEvent, type SecretState } from '../../src/domain/secret/state.js';
import { given, NO_SETTINGS, START, stateAfter, write } from '../support/decider.js';
import { describe } from '../support/describe.js';

describe('writing a version', test => {
  test('counts up from the current version', () => {
    given().when(write(false)).thenFacts({ version: 1, written: 1, generation: 1, created: START });
    given(write(false)).when(write(true)).thenFacts({ version: 2, written: 2 });
  });
  test('asks for the right check-and-set when one is given', () => {
    given().when(write(false, 0)).thenEvents('secret.written');
    given(write(false)).when(write(true, 1)).thenEvents('secret.written');
    given(write(false)).when(write(true, 0)).thenRejects('cas-mismatch');
    given(write(false)).when(write(true, -1)).thenRejects('cas-mismatch');
  });
  test('asks for one when mount or key demand it', () => {
    given()
      .when(write(false), { ...NO_SETTINGS, casRequired: true })
      .thenRejects('cas-required');
    given({ kind: 'configure', settings: { casRequired: true }, metadataCas: null })
      .when(write(true))
      .thenRejects('cas-required');
  });
  test('is stale when the key came or went since it was prepared', () => {
    given(write(false)).when(write(false)).thenRejects('stale');
    given(write(false), { kind: 'remove' }).when(write(true)).thenRejects('stale');
  });
  test('that was merged is stale when another write came first, or the version is gone', () => {
    const merged = (base: number): SecretCommand => ({
      ...{ kind: 'write', cas: null },
      prepared: { exists: true, base },
    });
    given(write(false)).when(merged(1)).thenEvents('secret.written');
    given(write(false), write(true)).when(merged(1)).thenRejects('stale');
    given(write(false), { kind: 'delete', versions: null }).when(merged(1)).thenRejects('stale');
    given(write(false), { kind: 'destroy', versions: [1] })
      .when(merged(1))
      .thenRejects('stale');
    given(write(false), { kind: 'annotate', settings: {}, metadataCas: null })
      .when(merged(1))
      .thenEvents('secret.written');
  });
  test('prunes beyond the limit and raises the oldest version only then', () => {
    const limit: SecretCommand = { kind: 'configure', settings: { maxVersions: 2 }, metadataCas: null };
    given(limit, write(true)).when(write(true)).thenFacts({ version: 2, oldest: 1 });
    given(limit, write(true), write(true)).when(write(true)).thenFacts({ version: 3, oldest: 2 });
    given(write(false)).when(write(true)).thenFacts({ oldest: undefined });
  });
  test('expires by the smaller setting, and not at all when the mount switches it off', () => {
    const minute: SecretCommand = { kind: 'configure', settings: { deleteVersionAfter: 60_000 }, metadataCas: null };
    const at = START + 1_000_000;
    given(minute)
      .when(write(true))
      .thenFacts({ deletion_time: at + 60_000_000 });
    given(minute)
      .when(write(true), { ...NO_SETTINGS, deleteVersionAfter: 30_000 })
      .thenFacts({ deletion_time: at + 30_000_000 });
    given(minute)
      .when(write(true), { ...NO_SETTINGS, deleteVersionAfter: -1 })
      .thenFacts({ deletion_time: undefined });
  });
});

describe('deleting, undeleting and destroying', test => {
  test('of what is not there changes nothing', () => {
    given().when({ kind: 'delete', versions: null }).thenEvents();
    given(write(false))
      .when({ kind: 'destroy', versions: [7] })
      .thenEvents();
    given(write(false))
      .when({ kind: 'undelete', versions: [1] })
      .thenEvents();
  });
  test('a second delete keeps the first deletion time', () => {
    given(write(false), { kind: 'delete', versions: null })
      .when({ kind: 'delete', versions: [1] })
      .thenEvents();
  });
  test('brings a deleted version back', () => {
    given(write(false), { kind: 'delete', versions: null })
      .when({ kind: 'undelete', versions: [1] })
      .thenFacts({ versions: [1], deletion_time: undefined });
  });
  test('a destroyed version stays destroyed, and its write is named', () => {
    given(write(false), write(true))
      .when({ kind: 'destroy', versions: [1] })
      .thenFacts({ writes: [1], versions: [1], last_destroyed: 3 });
    given(write(false), { kind: 'destroy', versions: [1] })
      .when({ kind: 'undelete', versions: [1] })
      .thenEvents();
    given(write(false), write(true), { kind: 'destroy', versions: [1] })
      .when({ kind: 'destroy', versions: [2] })
      .thenFacts({ prev: 3, last_destroyed: 4, destroyed: true });
  });
  test('does not move the times that metadata shows', () => {
    given(write(false)).when({ kind: 'delete', versions: null }).thenFacts({ updated: START, created: START });
  });
});

describe('a key that is removed', test => {
  test('keeps nothing but its generation', () => {
    given(write(false), write(true))
      .when({ kind: 'remove' })
      .thenFacts({ removed: true, generation: 1, version: undefined });
    given(write(false), { kind: 'remove' }).when({ kind: 'remove' }).thenEvents();
  });
  test('begins again with the next generation and version 1', () => {
    given(write(false), { kind: 'remove' }).when(write(false)).thenFacts({ generation: 2, version: 1, written: 3 });
  });
  test('inherits no setting', () => {
    const limit: SecretCommand = { kind: 'configure', settings: { maxVersions: 2 }, metadataCas: null };
    given(limit, { kind: 'remove' })
      .when(write(false))
      .thenFacts({ max_versions: undefined, metadata_version: undefined });
  });
});

describe('settings and custom metadata', test => {
  test('count metadata versions also when nothing differs', () => {
    const same: SecretCommand = { kind: 'configure', settings: {}, metadataCas: null };
    given(same).when(same).thenFacts({ metadata_version: 2 });
  });
  test('check the metadata version that was given', () => {
    const annotate = (metadataCas: number | null): SecretCommand => ({ kind: 'annotate', settings: {}, metadataCas });
    given(annotate(0)).when(annotate(1)).thenFacts({ annotated: 2 });
    given(annotate(0)).when(annotate(0)).thenRejects('cas-mismatch');
    given()
      .when(annotate(null), { ...NO_SETTINGS, metadataCasRequired: true })
      .thenRejects('cas-required');
  });
  test('that were merged are stale when another annotation came first, or the key is gone', () => {
    const merged = (base: number): SecretCommand => ({
      ...{ kind: 'annotate', settings: {}, metadataCas: null },
      prepared: { exists: true, base },
    });
    const annotate: SecretCommand = { kind: 'annotate', settings: {}, metadataCas: null };
    given(annotate).when(merged(1)).thenEvents('secret.annotated');
    given(annotate, annotate).when(merged(1)).thenRejects('stale');
    given(annotate, write(true)).when(merged(1)).thenEvents('secret.annotated');
    given(annotate, { kind: 'remove' }).when(merged(1)).thenRejects('stale');
  });
  test('of a new key ask for 0', () => {
    const annotate: SecretCommand = { kind: 'annotate', settings: {}, metadataCas: 1 };
    given().when(annotate).thenRejects('cas-mismatch');
    given(write(false), { kind: 'remove' }).when(annotate).thenRejects('cas-mismatch');
  });
  test('leave the metadata version alone when data is written', () => {
    given({ kind: 'configure', settings: {}, metadataCas: null }).when(write(true)).thenFacts({ metadata_version: 1 });
  });
});

const versions = fc.array(fc.integer({ min: -1, max: 40 }), { minLength: 1, maxLength: 4 });
const anyCommand = fc.oneof(
  { weight: 12, arbitrary: fc.constant({ kind: 'write' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'delete' as const, versions: null }) },
  { weight: 1, arbitrary: versions.map(v => ({ kind: 'delete' as const, versions: v })) },
  { weight: 1, arbitrary: versions.map(v => ({ kind: 'undelete' as const, versions: v })) },
  { weight: 1, arbitrary: versions.map(v => ({ kind: 'destroy' as const, versions: v })) },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 0, max: 12 })
      .map(maxVersions => ({ kind: 'configure' as const, settings: { maxVersions }, metadataCas: null })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'annotate' as const, settings: {}, metadataCas: null }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'remove' as const }) },
);

/** What KV v2 does, said in the plainest way: a list of versions. */
class Model {
  versions: { n: number; deleted: boolean; destroyed: boolean }[] = [];
  current = 0;
  max = 0;
  there = false;

  apply(command: { kind: string; versions?: readonly number[] | null; settings?: { maxVersions?: number } }): void {
    const named = (n: number): boolean => command.versions?.includes(n) ?? n === this.current;
    switch (command.kind) {
      case 'write':
        this.there = true;
        this.current += 1;
        this.versions.push({ n: this.current, deleted: false, destroyed: false });
        this.versions = this.versions.filter(({ n }) => n > this.current - (this.max || 10));
        return;
      case 'delete':
        for (const version of this.versions) if (named(version.n) && !version.destroyed) version.deleted = true;
        return;
      case 'undelete':
        for (const version of this.versions) if (named(version.n) && !version.destroyed) version.deleted = false;
        return;
      case 'destroy':
        for (const version of this.versions) if (named(version.n)) version.destroyed = true;
        return;
      case 'remove':
        Object.assign(this, new Model());
        return;
      default:
        this.there = true;
        if (command.settings?.maxVersions !== undefined) this.max = command.settings.maxVersions;
    }
  }
}

const run = (commands: readonly object[]): { state: SecretState; events: SecretEvent[]; model: Model } => {
  let state = initial;
  const events: SecretEvent[] = [];
  const model = new Model();
  commands.forEach((command, i) => {
    const there = state.head !== null && !state.head.removed;
    const full = {
      ...command,
      ...('kind' in command && command.kind === 'write' ? { cas: null, prepared: { exists: there } } : {}),
    } as SecretCommand;
    const decision = decide(full, state, NO_SETTINGS, START + i * 1000);
    if (decision._tag === 'Left') throw new Error(decision.left.kind);
    for (const { type, facts } of decision.right) {
      const event = { type, facts, streamVersion: state.streamVersion + 1, recordedAt: START + i * 1000 };
      events.push(event);
      state = evolve(state, event);
    }
    model.apply(command as never);
  });
  return { state, events, model };
};

describe('any history of a secret', test => {
  const histories = fc.array(anyCommand, { maxLength: 150 });

  test('is what the plain model says', () => {
    fc.assert(
      fc.property(histories, commands => {
        const { state, model } = run(commands);
        assert.is(state.head !== null && !state.head.removed, model.there);
        if (!model.there) return;
        assert.is(state.head?.version, model.current);
        const shown = (state.live ?? []).map(({ version, deletionTime, destroyed }) => ({
          n: version,
          gone: deletionTime !== 0,
          destroyed,
        }));
        assert.equal(
          shown,
          model.versions.map(({ n, deleted, destroyed }) => ({ n, gone: deleted, destroyed })),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('is known from its newest event alone, and every version from the last 64', () => {
    fc.assert(
      fc.property(histories, commands => {
        const { state, events } = run(commands);
        const newest = events.at(-1);
        if (newest === undefined) return;
        const alone = evolve({ streamVersion: newest.streamVersion - 1, head: null, live: null }, newest);
        assert.equal(alone.head, state.head);
        const from = newest.streamVersion - (newest.streamVersion % 64);
        const base: SecretState = from === 0 ? initial : { streamVersion: from - 1, head: null, live: null };
        const folded = events.filter(event => event.streamVersion >= from).reduce(evolve, base);
        assert.equal(folded.live, state.live);
      }),
      { numRuns: 300 },
    );
  });

  test('has facts within their bounds, of numbers, booleans and lists only', () => {
    fc.assert(
      fc.property(histories, commands => {
        for (const { facts, streamVersion } of run(commands).events)
          assert.ok(encodeFacts(facts).length <= (streamVersion % 64 === 0 ? 65_536 : 4096));
      }),
    );
  });
});

describe('a state that was read', test => {
  test('asks for the live versions where an event has to carry them', () => {
    const state = stateAfter(Array.from({ length: 63 }, (_, i) => write(i > 0)));
    const decision = decide(write(true), { ...state, live: null }, NO_SETTINGS, START);
    assert.is(decision._tag === 'Left' && decision.left.kind, 'needs-live');
  });
});
