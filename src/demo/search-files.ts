/** Looks for texts in every file under a folder, as they are and as hex and base64, in which databases and dumps show bytes. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Found {
  readonly looked: number;
  readonly bytes: number;
  readonly files: readonly string[];
}

const shapesOf = (text: string): Buffer[] => {
  const bytes = Buffer.from(text, 'utf8');
  // base64 depends on where in a group of three a text begins: the part that is the same wherever it lies.
  const shifted = [0, 1, 2].map(shift =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  );
  return [bytes, Buffer.from(bytes.toString('hex')), ...shifted.map(part => Buffer.from(part))];
};

export const filesHolding = (folder: string, texts: readonly string[]): Found => {
  const shapes = texts.flatMap(shapesOf);
  const files: string[] = [];
  let [looked, bytes] = [0, 0];
  const look = (path: string): void => {
    const stat = lstatSync(path);
    if (stat.isDirectory()) for (const name of readdirSync(path)) look(join(path, name));
    if (!stat.isFile()) return;
    const content = readFileSync(path);
    looked += 1;
    bytes += content.length;
    if (shapes.some(shape => content.includes(shape))) files.push(path);
  };
  look(folder);
  return { looked, bytes, files };
};
