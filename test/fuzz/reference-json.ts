import { TextDecoder } from 'node:util';

export type ReferenceValue = string | number | boolean | null | ReferenceValue[] | { [name: string]: ReferenceValue };

/** Of arrays and objects in one another, as the engine has it. */
const MAX_DEPTH = 64;
/** Of commas and opening brackets, as the engine has it. */
const MAX_VALUES = 16_384;

/** The text is not what it should be; thrown inside this file only. */
class NotJson extends Error {}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);
const LITERALS: readonly (readonly [string, boolean | null])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/** JSON by the grammar of RFC 8259, one function for each of its rules, with member names unique and nesting limited. */
class ReferenceReader {
  private at = 0;
  private depth = 0;
  private values = 0;
  constructor(private readonly text: string) {}

  document(): ReferenceValue {
    const value = this.value();
    if (this.at < this.text.length) throw new NotJson('something behind the value');
    if (this.values > MAX_VALUES) throw new NotJson('too many values');
    return value;
  }

  private blanks(): void {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'x')) this.at += 1;
  }

  private takes(piece: string): boolean {
    if (!this.text.startsWith(piece, this.at)) return false;
    this.at += piece.length;
    if (',[{'.includes(piece)) this.values += 1;
    return true;
  }

  private expect(piece: string): void {
    if (!this.takes(piece)) throw new NotJson(`${piece} is missing`);
  }

  /** A value and the blanks around it. */
  private value(): ReferenceValue {
    this.blanks();
    const value = this.bare();
    this.blanks();
    return value;
  }

  private bare(): ReferenceValue {
    if (this.takes('{')) return this.nested(() => this.members());
    if (this.takes('[')) return this.nested(() => this.items());
    if (this.takes('"')) return this.string();
    for (const [word, value] of LITERALS) if (this.takes(word)) return value;
    NUMBER.lastIndex = this.at;
    const number = NUMBER.exec(this.text)?.[0];
    if (number === undefined) throw new NotJson('no value');
    this.at += number.length;
    return Number(number);
  }

  private nested(read: () => ReferenceValue): ReferenceValue {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw new NotJson('too deep');
    const value = read();
    this.depth -= 1;
    return value;
  }

  private members(): ReferenceValue {
    const members = new Map<string, ReferenceValue>();
    this.blanks();
    if (this.takes('}')) return {};
    do {
      this.blanks();
      this.expect('"');
      const name = this.string();
      if (members.has(name)) throw new NotJson('a name twice');
      this.blanks();
      this.expect(':');
      members.set(name, this.value());
    } while (this.takes(','));
    this.expect('}');
    // Not an assignment: `__proto__` is a name like any other.
    return Object.fromEntries(members);
  }

  private items(): ReferenceValue {
    this.blanks();
    if (this.takes(']')) return [];
    const items = [this.value()];
    while (this.takes(',')) items.push(this.value());
    this.expect(']');
    return items;
  }

  /** The rest of a string whose quote was taken. */
  private string(): string {
    let text = '';
    for (;;) {
      const character = this.text[this.at];
      this.at += 1;
      if (character === undefined || character < ' ') throw new NotJson('a string is not closed');
      if (character === '"') return text;
      text += character === '\\' ? this.escaped() : character;
    }
  }

  private escaped(): string {
    const letter = this.text[this.at] ?? '';
    this.at += 1;
    if (letter !== 'u') {
      const character = ESCAPES.get(letter);
      if (character === undefined) throw new NotJson('no such escape');
      return character;
    }
    const digits = this.text.slice(this.at, this.at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new NotJson('no such escape');
    this.at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
};

/** The JSON object that bytes spell, by the rules of the engine; undefined for anything else. */
export function referenceJsonObject(bytes: Uint8Array): { [name: string]: ReferenceValue } | undefined {
  const text = textOf(bytes);
  if (text === undefined) return undefined;
  try {
    const value = new ReferenceReader(text).document();
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch (reason) {
    if (reason instanceof NotJson) return undefined;
    throw reason;
  }
}
