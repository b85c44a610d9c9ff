/** The appender on its own, where its ports fail: it answers truly, however late, and goes on. */
import * as assert from 'uvu/assert';
import type { SecretState } from '../../src/domain/secret/state.js';
import { Appender, type AppenderPorts } from '../../src/ledger/appender.js';
import type { Command } from '../../src/ledger/command.js';
import { IntegrityError } from '../../src/ledger/integrity.js';
import { DatabaseError } from '../../src/postgres/errors.js';
import type { Pipeline } from '../../src/postgres/pipeline.js';
import { type TestCluster, testCluster } from '../support/cluster.js';
import { describe } from '../support/describe.js';

const LATE_MS = 1500;
const CLOSED = { kind: 'sealed' } as const;

describe('an appender', test => {
  let cluster: TestCluster;
  test.before(async () => {
    cluster = await testCluster();
  });
  test.after(() => cluster.stop());

  const session = () => {
    const { session } = cluster.node.program.nexus;
    assert.ok(session);
    return session;
  };

  const appenderWith = (ports: Partial<AppenderPorts<SecretState>>): Appender<SecretState> =>
    new Appender({ ...session().appender.ports, ...ports });

  /** A command as a request makes it, which the appender of the session never saw. */
  const commandOf = async (path: string): Promise<Command<SecretState, unknown>> => {
    const { appender } = session();
    const { submit } = appender;
    let command: Command<SecretState, unknown> | null = null;
    appender.submit = async asked => {
      command = asked;
      return { _tag: 'Left', left: CLOSED };
    };
    try {
      await cluster.node.call('POST', `secret/data/${path}`, { data: { path } });
    } finally {
      appender.submit = submit;
    }
    if (command === null) throw new Error('nothing was submitted');
    return command;
  };

  test('goes on when nobody can say why a batch failed', async () => {
    const notices: string[] = [];
    let broken = true;
    const appender = appenderWith({
      openPipeline: () => (broken ? Promise.reject(new IntegrityError('batch')) : session().ports.openPipeline()),
      explained: () => Promise.reject(new DatabaseError('the database cannot be reached', { connectionLost: true })),
      notice: what => void notices.push(what),
    });
    const failed = await appender.submit(await commandOf('unexplained'));
    assert.equal(failed, { _tag: 'Left', left: { kind: 'integrity', what: 'batch', position: null } });
    assert.equal(notices, ['append', 'append']);
    broken = false;
    assert.is((await appender.submit(await commandOf('explained')))._tag, 'Right');
    await appender.close(CLOSED);
  });

  test('lets a command that cannot be decided fail alone', async () => {
    const appender = appenderWith({});
    const cause = new Error('undecided');
    const commands = [await commandOf('one'), await commandOf('undecidable'), await commandOf('other')];
    const answers = commands.map((command, i) => {
      const decide = (): never => {
        throw cause;
      };
      return appender.submit(i === 1 ? { ...command, decide } : command);
    });
    const [one, undecidable, other] = await Promise.all(answers);
    assert.equal(undecidable, { _tag: 'Left', left: { kind: 'internal', during: 'deciding', cause } });
    assert.equal([one?._tag, other?._tag], ['Right', 'Right']);
    await appender.close(CLOSED);
  });

  /** Commits, and loses the connection before the answer. */
  const deaf = (pipeline: Pipeline): Pipeline => ({
    ...pipeline,
    get alive() {
      return pipeline.alive;
    },
    command: async text => {
      const answer = await pipeline.command(text);
      if (text !== 'commit') return answer;
      pipeline.destroy();
      throw new DatabaseError('the connection was lost', { connectionLost: true });
    },
  });

  test('answers nobody before it is certain what became of a commit, although the database is away for a while', async () => {
    let away = Number.POSITIVE_INFINITY;
    const told: number[] = [];
    const appender = appenderWith({
      openPipeline: async () => {
        if (away === Number.POSITIVE_INFINITY) {
          away = performance.now() + LATE_MS;
          return deaf(await session().ports.openPipeline());
        }
        if (performance.now() < away) throw new DatabaseError('nobody answers', { connectionLost: true });
        return session().ports.openPipeline();
      },
      notice: () => {},
      committed: head => void told.push(head.size),
    });
    const { known } = session();
    const before = known.head.size;
    const answer = await appender.submit(await commandOf('late'));
    assert.is(answer._tag, 'Right', JSON.stringify(answer));
    // As after any commit: known here, and told to whoever has to know.
    assert.is(known.head.size, before + 1);
    assert.equal(told, [before + 1]);
    const read = await cluster.node.call('GET', 'secret/data/late');
    assert.is(read.body.data.metadata.version, 1);
    await appender.close(CLOSED);
  });

  test('says that it is not known where nobody could be asked until the deadline', async () => {
    let opened = 0;
    const appender = appenderWith({
      openPipeline: async () => {
        opened += 1;
        if (opened > 1) throw new DatabaseError('nobody answers', { connectionLost: true });
        return deaf(await session().ports.openPipeline());
      },
      notice: () => {},
    });
    const command = await commandOf('unknown');
    const answer = await appender.submit({ ...command, deadlineMs: Date.now() + 500 });
    assert.equal(answer, {
      _tag: 'Left',
      left: { kind: 'timeout', during: 'committing: it may have been done, so look before you try again' },
    });
    await appender.close(CLOSED);
  });
});
