/** A program with an embedded server: prints what it has, then waits, or ends as it is told on its standard input. */
import { startEmbedded } from '../../src/postgres/embedded.js';
import { lockFolder } from '../../src/postgres/folder-lock.js';

const [folder = ''] = process.argv.slice(2);
try {
  const lock = lockFolder(folder);
  const server = await startEmbedded({ folder });
  console.log(JSON.stringify({ postmasterPid: server.postmasterPid, connection: server.connection }));
  process.stdin.once('data', async word => {
    if (String(word).trim() === 'exit') process.exit(0);
    if (String(word).trim() === 'throw') throw new Error('thrown as asked');
    await server.stop();
    lock.release();
    process.exit(0);
  });
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error));
  process.exitCode = 3;
}
