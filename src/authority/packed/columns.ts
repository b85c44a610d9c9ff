/** Columns: arrays of numbers with so many to a row. */
type Column = Uint8Array | Float64Array | Uint32Array | Int32Array;

/** In the byte order of this machine, which a snapshot names. */
export const bytesOf = (column: Column): Uint8Array =>
  new Uint8Array(column.buffer, column.byteOffset, column.byteLength);

/** `after`, with what is in `before` at its beginning. */
export const grown = <A extends Column>(before: A, after: A): A => {
  after.set(before);
  return after;
};
