/**
 * @module Says by its exit code whether node_modules holds what package-lock.json asks for. Plain JavaScript without a
 * dependency, because it runs before anything is installed, on whatever Node brought npm.
 *
 * npm notes in node_modules/.package-lock.json what it installed; an entry of the lock file that is missing there is
 * fine only if it is optional (built for another platform).
 */
import { existsSync, readFileSync } from 'node:fs';

const read = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;
const note = 'node_modules/.package-lock.json';
if (!existsSync(note)) process.exit(1);

const installed = read(note);
for (const [path, wanted] of Object.entries(read('package-lock.json'))) {
  if (path === '') continue;
  const found = installed[path];
  if (found ? found.version !== wanted.version || found.integrity !== wanted.integrity : !wanted.optional)
    process.exit(1);
}
