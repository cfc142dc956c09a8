import {
  DIGITS,
  everythingBut,
  inBothCases,
  setOf,
  SPACES,
  WORD,
  type CodePointRange,
  type CodePointSet,
} from './code-point-set.ts';
import { RegexSyntaxError, type PatternReader } from './pattern-reader.ts';

const SETS: ReadonlyMap<string, CodePointSet> = new Map([
  ['d', DIGITS],
  ['D', everythingBut(DIGITS)],
  ['w', WORD],
  ['W', everythingBut(WORD)],
  ['s', SPACES],
  ['S', everythingBut(SPACES)],
]);
const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['t', 0x09],
  ['n', 0x0a],
  ['f', 0x0c],
  ['r', 0x0d],
  ['a', 0x07],
  ['e', 0x1b],
]);
const NUMBERED = /x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|x\{([0-9A-Fa-f]{1,6})\}/y;

function numbered(reader: PatternReader, start: number): number | undefined {
  const found = reader.take(NUMBERED);
  if (found === undefined) return undefined;
  const codePoint = Number.parseInt(found[1] ?? found[2] ?? found[3] ?? '', 16);
  if (codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint <= 0xdfff)) {
    throw new RegexSyntaxError('the escape names no character', start);
  }
  return codePoint;
}

const unsupported = (letter: string): string => {
  if (/[1-9k]/.test(letter)) return 'a back-reference is not supported';
  return `the escape \\${letter} is not supported`;
};

/** What stands after a backslash that means one character or a set of them; the backslash has been read. */
export function readEscape(reader: PatternReader): number | CodePointSet {
  const start = reader.position - 1;
  const byNumber = numbered(reader, start);
  if (byNumber !== undefined) return byNumber;
  const codePoint = reader.next();
  const letter = String.fromCodePoint(codePoint);
  const meant = SETS.get(letter) ?? CONTROLS.get(letter);
  if (meant !== undefined) return meant;
  // Java keeps letters without a meaning for later and takes any other character as itself.
  if (/[A-Za-z0-9]/.test(letter)) throw new RegexSyntaxError(unsupported(letter), start);
  return codePoint;
}

function readMember(reader: PatternReader): number | CodePointSet {
  const start = reader.position;
  if (reader.isAtEnd) throw new RegexSyntaxError('a character class is not closed', start);
  if (reader.isAhead('[')) throw new RegexSyntaxError('a class inside a class is not supported: write \\[', start);
  if (reader.isAhead('&&')) throw new RegexSyntaxError('an intersection of classes is not supported', start);
  return reader.skips('\\') ? readEscape(reader) : reader.next();
}

/** `a-z`, or the one character; a hyphen that has no two ends means itself. */
function readRange(reader: PatternReader, first: number, start: number): CodePointRange {
  if (!reader.isAhead('-') || reader.isAhead('-]')) return [first, first];
  reader.skips('-');
  const last = readMember(reader);
  if (typeof last !== 'number' || last < first) {
    throw new RegexSyntaxError('the range in a character class is not valid', start);
  }
  return [first, last];
}

/** `[…]`; its opening bracket has been read. */
export function readCharacterClass(reader: PatternReader, ignoresCase: boolean): CodePointSet {
  const opening = reader.position - 1;
  const isNegated = reader.skips('^');
  if (reader.isAhead(']')) throw new RegexSyntaxError('a character class is empty: write \\] for a bracket', opening);
  const ranges: CodePointRange[] = [];
  while (!reader.skips(']')) {
    const start = reader.position;
    const member = readMember(reader);
    if (typeof member === 'number') ranges.push(readRange(reader, member, start));
    else ranges.push(...member);
  }
  const set = ignoresCase ? inBothCases(setOf(ranges)) : setOf(ranges);
  return isNegated ? everythingBut(set) : set;
}
