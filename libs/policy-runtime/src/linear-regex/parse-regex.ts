import { readCharacterClass, readEscape } from './character-class.ts';
import { ANY, inBothCases, setOf, WITHIN_A_LINE, type CodePointSet } from './code-point-set.ts';
import { PatternReader, RegexSyntaxError } from './pattern-reader.ts';

/** A place between two characters that an expression can ask for. */
export type Edge = 'start' | 'end' | 'wordEdge' | 'noWordEdge';

interface Bounds {
  readonly minimum: number;
  readonly maximum: number;
}
interface Repetition extends Bounds {
  /** Takes as little as it can; makes a difference only where a part of a text is looked for. */
  readonly isReluctant: boolean;
}

/** `size` is how many instructions it takes at most; what takes none counts as one. */
export type RegexNode = { readonly size: number } & (
  | { readonly kind: 'set'; readonly set: CodePointSet }
  | { readonly kind: 'edge'; readonly edge: Edge }
  | { readonly kind: 'sequence'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly options: readonly RegexNode[] }
  | ({ readonly kind: 'repeat'; readonly body: RegexNode } & Repetition)
);

/** Of a whole expression, its repetitions written out: what one character of a value can cost. */
export const MAX_REGEX_SIZE = 512;
/** Deeper nesting than anybody writes; it keeps the parser's own stack small. */
const MAX_DEPTH = 64;
const TOO_LARGE = 'the expression is too large, its repetitions counted';

const FLAGS = /\(\?([is]+)\)/y;
const GROUP_NAME = /\?<[A-Za-z][A-Za-z0-9]*>/y;
const COUNT = /\{(\d{1,4})(?:(,)(\d{1,4})?)?\}/y;
const EDGE_ESCAPES: readonly (readonly [string, Edge])[] = [
  ['^', 'start'],
  ['\\A', 'start'],
  ['$', 'end'],
  ['\\z', 'end'],
  ['\\b', 'wordEdge'],
  ['\\B', 'noWordEdge'],
];

const sum = (nodes: readonly RegexNode[]): number => nodes.reduce((total, { size }) => total + size, 0);

function repeated(body: RegexNode, { minimum, maximum, isReluctant }: Repetition): RegexNode {
  const optional = maximum === Infinity ? body.size + 2 : (maximum - minimum) * (body.size + 1);
  return { kind: 'repeat', body, minimum, maximum, isReluctant, size: Math.max(1, minimum * body.size + optional) };
}

class RegexParser {
  private readonly reader: PatternReader;
  private readonly ignoresCase: boolean;
  private readonly dot: CodePointSet;
  private depth = 0;

  constructor(pattern: string) {
    this.reader = new PatternReader(pattern);
    const flags = this.reader.take(FLAGS)?.[1] ?? '';
    this.ignoresCase = flags.includes('i');
    this.dot = flags.includes('s') ? ANY : WITHIN_A_LINE;
  }

  parse(): RegexNode {
    const node = this.choice();
    if (!this.reader.isAtEnd) throw this.fault('a parenthesis is closed that was not opened');
    return node;
  }

  private fault(message: string, position = this.reader.position): RegexSyntaxError {
    return new RegexSyntaxError(message, position);
  }

  private limited(node: RegexNode, start: number): RegexNode {
    if (node.size > MAX_REGEX_SIZE) throw this.fault(TOO_LARGE, start);
    return node;
  }

  private choice(): RegexNode {
    const start = this.reader.position;
    const first = this.sequence();
    if (!this.reader.isAhead('|')) return first;
    const options = [first];
    while (this.reader.skips('|')) options.push(this.sequence());
    return this.limited({ kind: 'choice', options, size: sum(options) + 2 * options.length }, start);
  }

  private sequence(): RegexNode {
    const parts: RegexNode[] = [];
    let size = 0;
    while (!this.reader.isAtEnd && !this.reader.isAhead('|') && !this.reader.isAhead(')')) {
      const start = this.reader.position;
      const part = this.repetitionOf(this.atom());
      parts.push(part);
      size += part.size;
      if (size > MAX_REGEX_SIZE) throw this.fault(TOO_LARGE, start);
    }
    return { kind: 'sequence', parts, size: Math.max(1, size) };
  }

  private repetitionOf(atom: RegexNode): RegexNode {
    const start = this.reader.position;
    const bounds = this.bounds();
    if (bounds === undefined) return atom;
    if (atom.kind === 'edge') throw this.fault('there is nothing to repeat', start);
    if (bounds.minimum > bounds.maximum) throw this.fault('the counts of a repetition are out of order', start);
    const isReluctant = this.reader.skips('?');
    const node = this.limited(repeated(atom, { ...bounds, isReluctant }), start);
    if (this.reader.isAhead('+')) throw this.fault('a possessive repetition is not supported');
    return node;
  }

  private bounds(): Bounds | undefined {
    const { reader } = this;
    if (reader.skips('?')) return { minimum: 0, maximum: 1 };
    if (reader.skips('*')) return { minimum: 0, maximum: Infinity };
    if (reader.skips('+')) return { minimum: 1, maximum: Infinity };
    if (!reader.isAhead('{')) return undefined;
    const count = reader.take(COUNT);
    if (count === undefined) throw this.fault('the counts of a repetition are not valid: write \\{ for a brace');
    const minimum = Number(count[1]);
    if (count[2] === undefined) return { minimum, maximum: minimum };
    return { minimum, maximum: count[3] === undefined ? Infinity : Number(count[3]) };
  }

  private atom(): RegexNode {
    const { reader } = this;
    const edge = EDGE_ESCAPES.find(([text]) => reader.skips(text))?.[1];
    if (edge !== undefined) return { kind: 'edge', edge, size: 1 };
    if (/[*+?{]/.test(this.ahead())) throw this.fault('there is nothing to repeat');
    if (reader.skips('(')) return this.group();
    if (reader.skips('[')) return this.setNode(readCharacterClass(reader, this.ignoresCase));
    if (reader.skips('.')) return this.setNode(this.dot);
    const character = reader.skips('\\') ? readEscape(reader) : reader.next();
    if (typeof character !== 'number') return this.setNode(character);
    const set = setOf([[character, character]]);
    return this.setNode(this.ignoresCase ? inBothCases(set) : set);
  }

  private ahead(): string {
    return ['*', '+', '?', '{'].find((text) => this.reader.isAhead(text)) ?? '';
  }

  private setNode(set: CodePointSet): RegexNode {
    return { kind: 'set', set, size: 1 };
  }

  /** `(…)`, `(?:…)` or `(?<name>…)`: what a group catches is not kept. Its opening parenthesis has been read. */
  private group(): RegexNode {
    const { reader } = this;
    const opening = reader.position - 1;
    if (!reader.skips('?:') && reader.take(GROUP_NAME) === undefined && reader.isAhead('?')) {
      throw this.fault(this.unknownGroup(), opening);
    }
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw this.fault('the groups nest too deep', opening);
    const inner = this.choice();
    this.depth -= 1;
    if (!reader.skips(')')) throw this.fault('a group is not closed', opening);
    return inner;
  }

  private unknownGroup(): string {
    const { reader } = this;
    if (['?=', '?!', '?<=', '?<!'].some((text) => reader.isAhead(text))) return 'a lookaround is not supported';
    if (reader.isAhead('?>')) return 'an atomic group is not supported';
    return 'this kind of group is not supported; the flags (?i) and (?s) stand at the beginning';
  }
}

/** Reads the part of Java's regular expressions that can be matched in linear time. @throws RegexSyntaxError */
export const parseRegex = (pattern: string): RegexNode => new RegexParser(pattern).parse();
