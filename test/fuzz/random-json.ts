import { type SeededRandom } from '../chaos/seeded-random.ts';

/** What JSON is written from. */
export interface JsonWriting {
  readonly random: SeededRandom;
  /** Of members; few, so that names meet their like. */
  readonly names: readonly string[];
  /** How many objects may be in one another. */
  readonly depth: number;
}

const SOUND_NUMBERS = ['0', '-0', '1', '1.0', '1e3', '1E+3', '-1.5e-7', '9007199254740993', '1e400', '5e-324'];
const BROKEN_VALUES = ['01', '+1', '.5', '1.', '1e', 'NaN', 'Infinity', '0x1', 'undefined', "'a'", 'True', '', '"\t"'];
const BLANKS = ['', '', '', '', ' ', '\n', '\t\r', '\u00a0', '\ufeff', '/**/'];
const CHARACTERS = [
  'a',
  'l',
  'g',
  ':',
  '{',
  '}',
  '[',
  ',',
  '"',
  '\\',
  '/',
  '\n',
  '\u0000',
  '\u00e9',
  '\ud83d\ude00',
  '\ud800',
];
const SHORT_ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '/': '\\/', '\n': '\\n' };

const oneIn = (random: SeededRandom, times: number): boolean => random.between(1, times) === 1;

const hexEscape = (character: string): string =>
  [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');

/** A text as a JSON string, its characters as they are or escaped. */
export function writeString(text: string, random: SeededRandom): string {
  let written = '';
  for (const character of text) {
    if (oneIn(random, 12)) written += hexEscape(character);
    else if (character in SHORT_ESCAPES) written += SHORT_ESCAPES[character] ?? '';
    else written += character < ' ' ? hexEscape(character) : character;
  }
  return `"${written}"`;
}

const randomText = (random: SeededRandom): string =>
  Array.from({ length: random.between(0, 6) }, () => random.pick(CHARACTERS)).join('');

/** Mostly none; one time in many something that is no blank in JSON. */
const blank = (random: SeededRandom): string =>
  oneIn(random, 4) ? random.pick(BLANKS.slice(0, oneIn(random, 20) ? 10 : 7)) : '';

/** A value, one time in a hundred no value at all. */
export function writeValue(writing: JsonWriting): string {
  const { random, depth } = writing;
  const kind = random.between(0, depth > 0 ? 11 : 6);
  if (oneIn(random, 100)) return random.pick(BROKEN_VALUES);
  if (kind <= 2) return writeString(randomText(random), random);
  if (kind <= 4) return random.pick(SOUND_NUMBERS);
  if (kind <= 6) return random.pick(['true', 'false', 'null']);
  if (kind <= 9) return writeObject({ ...writing, depth: depth - 1 });
  const items = Array.from({ length: random.between(0, 3) }, () => writeValue({ ...writing, depth: depth - 1 }));
  return `[${items.join(',')}]`;
}

/** One member: name, colon, value. */
export const writeMember = (name: string, value: string, random: SeededRandom): string =>
  `${blank(random)}${writeString(name, random)}${blank(random)}:${blank(random)}${value}`;

/** An object; one time in eight a name may stand in it twice. */
export function writeObject(writing: JsonWriting): string {
  const { random, names } = writing;
  const wanted = Array.from({ length: random.between(0, 4) }, () => random.pick(names));
  const written = oneIn(random, 8) ? wanted : [...new Set(wanted)];
  const members = written.map((name) => writeMember(name, writeValue(writing), random));
  return `${blank(random)}{${members.join(',')}${blank(random)}}${blank(random)}`;
}
