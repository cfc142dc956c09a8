import { type SeededRandom } from '../chaos/seeded-random.ts';

type Edit = (text: string, random: SeededRandom, pieces: readonly string[]) => string;

const LONGEST_PIECE = 12;
const MOST_REPEATS = 100;

/** A place in the text, and one a little behind it. */
const rangeIn = (text: string, random: SeededRandom): readonly [number, number] => {
  const from = random.between(0, text.length);
  return [from, Math.min(text.length, from + random.between(1, LONGEST_PIECE))];
};

const splice = (text: string, from: number, to: number, between: string): string =>
  text.slice(0, from) + between + text.slice(to);

const EDITS: readonly Edit[] = [
  (text, random, pieces) => {
    const at = random.between(0, text.length);
    return splice(text, at, at + 1, random.pick(pieces));
  },
  (text, random, pieces) => {
    const at = random.between(0, text.length);
    return splice(text, at, at, random.pick(pieces));
  },
  (text, random) => {
    const at = random.between(0, text.length);
    return splice(text, at, at + 1, '');
  },
  (text, random) => splice(text, ...rangeIn(text, random), ''),
  (text, random) => {
    const [from, to] = rangeIn(text, random);
    return splice(text, to, to, text.slice(from, to));
  },
  (text, random) => {
    const [from, to] = rangeIn(text, random);
    const at = random.between(0, text.length);
    return splice(text, at, at, text.slice(from, to));
  },
  (text, random) => text.slice(0, random.between(0, text.length)),
  (text, random) => {
    const at = random.between(0, text.length);
    return text.slice(0, at) + text.slice(at, at + 1).toLowerCase() + text.slice(at + 1).toUpperCase();
  },
  (text, random) => {
    const [from, to] = rangeIn(text, random);
    return splice(text, from, to, [...text.slice(from, to)].toReversed().join(''));
  },
  (text, random) => {
    const [from, to] = rangeIn(text, random);
    return splice(text, to, to, text.slice(from, to).repeat(random.between(2, MOST_REPEATS)));
  },
  (text, random) => {
    const at = random.between(0, text.length);
    return splice(text, at, at + 1, String.fromCharCode(text.charCodeAt(at) ^ (1 << random.between(0, 15))));
  },
];

/** Edits a text in one to three places; `pieces` are what may be put in. */
export function mutateText(text: string, random: SeededRandom, pieces: readonly string[]): string {
  let mutated = text;
  for (let left = random.pick([1, 1, 1, 2, 3]); left > 0; left -= 1) {
    mutated = random.pick(EDITS)(mutated, random, pieces);
  }
  return mutated;
}
