/** What a policy's text says, before anybody asks whether it makes sense: one tree for HCL and for JSON. */

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A value that stands alone, as a parameter rule compares it. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

export type Node =
  | { readonly kind: 'scalar'; readonly value: string | number | boolean | null; readonly at: Position }
  | { readonly kind: 'list'; readonly items: readonly Node[]; readonly at: Position }
  | { readonly kind: 'object'; readonly members: readonly Member[]; readonly at: Position };

export interface Member {
  readonly key: string;
  /** `path "a" { … }` has the label `a`; JSON has none. */
  readonly labels: readonly string[];
  readonly value: Node;
  readonly at: Position;
}

/** Thrown inside the readers of text and turned into an answer by `readText`; it never leaves this folder. */
export class SyntaxFault extends Error {
  override readonly name = 'SyntaxFault';

  constructor(
    message: string,
    readonly at: Position,
  ) {
    super(`At ${at.line}:${at.column}: ${message}`);
  }
}

/** Deeper than any rule needs: a parameter's list of lists of lists. */
export const DEPTH_MAX = 16;

export const plain = (node: Node): Plain => {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(plain);
    case 'object':
      return Object.fromEntries(node.members.map(({ key, value }) => [key, plain(value)]));
  }
};

/** Half of a surrogate pair is no character: as Go reads it. */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');
