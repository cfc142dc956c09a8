import { WORD, type CodePointSet } from './code-point-set.ts';
import type { Edge, RegexNode } from './parse-regex.ts';

/** `fork` goes on at every target, the first of them preferred, without taking a character; the others go on with the next instruction. */
export type Instruction =
  | { readonly kind: 'set'; readonly set: CodePointSet }
  | { readonly kind: 'edge'; readonly edge: Edge }
  | { readonly kind: 'fork'; readonly targets: number[] }
  | { readonly kind: 'accept' };

class Emitter {
  readonly instructions: Instruction[] = [];

  emit(node: RegexNode): void {
    switch (node.kind) {
      case 'set':
      case 'edge':
        this.instructions.push(node);
        return;
      case 'sequence':
        for (const part of node.parts) this.emit(part);
        return;
      case 'choice':
        return this.choice(node.options);
      case 'repeat':
        for (let count = 0; count < node.minimum; count += 1) this.emit(node.body);
        if (node.maximum === Infinity) this.loop(node.body, node.isReluctant);
        else this.optional(node.body, node.maximum - node.minimum, node.isReluctant);
    }
  }

  private fork(...targets: number[]): number[] {
    this.instructions.push({ kind: 'fork', targets });
    return targets;
  }

  private choice(options: readonly RegexNode[]): void {
    const starts = this.fork();
    const ends = options.map((option) => {
      starts.push(this.instructions.length);
      this.emit(option);
      return this.fork();
    });
    for (const end of ends) end.push(this.instructions.length);
  }

  private loop(body: RegexNode, isReluctant: boolean): void {
    const start = this.instructions.length;
    const targets = this.fork(start + 1);
    this.emit(body);
    this.fork(start);
    targets.push(this.instructions.length);
    if (isReluctant) targets.reverse();
  }

  private optional(body: RegexNode, times: number, isReluctant: boolean): void {
    const skips: number[][] = [];
    for (let count = 0; count < times; count += 1) {
      skips.push(this.fork(this.instructions.length + 1));
      this.emit(body);
    }
    for (const skip of skips) {
      skip.push(this.instructions.length);
      if (isReluctant) skip.reverse();
    }
  }
}

/** Characters that no set of an expression tells apart are one class, numbered from 0. */
export class Alphabet {
  /** First code point of each class's range; a class may be told apart without need, never joined. */
  private readonly starts: readonly number[];
  private readonly ascii: Uint16Array;

  constructor(sets: readonly CodePointSet[]) {
    const starts = new Set([0, ...sets.flat().flatMap(([first, last]) => [first, last + 1])]);
    this.starts = [...starts].sort((one, other) => one - other);
    this.ascii = Uint16Array.from({ length: 128 }, (_, codePoint) => this.search(codePoint));
  }

  get size(): number {
    return this.starts.length;
  }

  classOf(codePoint: number): number {
    return codePoint < 128 ? (this.ascii[codePoint] ?? 0) : this.search(codePoint);
  }

  /** By class: 1 where the class is part of the set. */
  members(set: CodePointSet): Uint8Array {
    let range = 0;
    return Uint8Array.from(this.starts, (start) => {
      while ((set[range]?.[1] ?? Infinity) < start) range += 1;
      return Number((set[range]?.[0] ?? Infinity) <= start);
    });
  }

  private search(codePoint: number): number {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= codePoint) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

export interface RegexProgram {
  readonly instructions: readonly Instruction[];
  readonly alphabet: Alphabet;
  /** By instruction: the classes that a `set` takes. */
  readonly members: readonly (Uint8Array | undefined)[];
  /** The classes of word characters, when the expression asks for edges of words. */
  readonly wordMembers: Uint8Array | undefined;
}

/** Thompson's construction: at most `node.size` instructions and one to accept. */
export function compileProgram(node: RegexNode): RegexProgram {
  const emitter = new Emitter();
  emitter.emit(node);
  const instructions: Instruction[] = [...emitter.instructions, { kind: 'accept' }];
  // Repetitions written out share one set.
  const sets = new Set(instructions.flatMap((instruction) => (instruction.kind === 'set' ? [instruction.set] : [])));
  const asksForWords = instructions.some(
    (instruction) => instruction.kind === 'edge' && /word/i.test(instruction.edge),
  );
  const alphabet = new Alphabet(asksForWords ? [...sets, WORD] : [...sets]);
  const membersOf = new Map(Array.from(sets, (set) => [set, alphabet.members(set)] as const));
  const members = instructions.map((instruction) =>
    instruction.kind === 'set' ? membersOf.get(instruction.set) : undefined,
  );
  return { instructions, alphabet, members, wordMembers: asksForWords ? alphabet.members(WORD) : undefined };
}
