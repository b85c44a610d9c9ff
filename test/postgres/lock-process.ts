/** Takes the lock of a folder when it is told to, as one of many; prints whether it got it, and holds it until it is killed. */
import { lockFolder } from '../../src/postgres/folder-lock.js';

const [folder = '', atMs = '0'] = process.argv.slice(2);
// Busy waiting: all of them should come within the same microseconds.
while (Date.now() < Number(atMs));
try {
  lockFolder(folder);
  console.log('got it');
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error));
}
setInterval(() => {}, 60_000);
