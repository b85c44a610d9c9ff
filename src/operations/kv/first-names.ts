/** The first few of many names in byte order, in memory for not many more than are wanted. */
export interface Named {
  readonly name: string;
}

const ASCII = /^[\0-\x7f]*$/;

/** Compares as the UTF-8 bytes of the name do; code units of JavaScript order some names otherwise. */
const inBytes = (name: string): string => (ASCII.test(name) ? name : Buffer.from(name, 'utf8').toString('latin1'));

/** Null: everything is after it. */
export const isAfter = (name: string, after: string | null): boolean =>
  after === null || inBytes(name) > inBytes(after);

/** Names sorted at once. */
const SPARE = 1024;

export class FirstNames<Entry extends Named> {
  #kept: { readonly bytes: string; readonly entry: Entry }[] = [];
  /** The last name that is wanted, once there are enough. */
  #last: string | null = null;

  constructor(readonly most: number) {}

  /** Of one name that is added twice the first counts. */
  add(entry: Entry): void {
    const bytes = inBytes(entry.name);
    if (this.#last !== null && bytes >= this.#last) return;
    this.#kept.push({ bytes, entry });
    if (this.#kept.length >= 2 * this.most + SPARE) this.#settle();
  }

  /** In order. */
  all(): readonly Entry[] {
    this.#settle();
    return this.#kept.map(({ entry }) => entry);
  }

  #settle(): void {
    this.#kept.sort((a, b) => (a.bytes < b.bytes ? -1 : a.bytes > b.bytes ? 1 : 0));
    this.#kept = this.#kept.filter(({ bytes }, i, all) => bytes !== all[i - 1]?.bytes).slice(0, this.most);
    if (this.#kept.length === this.most) this.#last = this.#kept.at(-1)?.bytes ?? '';
  }
}
