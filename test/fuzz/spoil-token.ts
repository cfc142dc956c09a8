import { type SeededRandom } from '../chaos/seeded-random.ts';
import { mutateText } from './mutate-text.ts';

/** Characters of a token, and what is none though a lenient reader takes it for one. */
const PIECES = [
  ...'ABCxyz019-_AAQQgw.',
  ...'+/= \n\t\u0000\u0141\u0161\uff21\ud83d~',
  ...['..', '==', 'e30', 'eyJhbGciOiJub25lIn0'],
];

type Spoil = (parts: readonly string[], others: readonly string[], random: SeededRandom) => readonly string[];

/** What is done to whole parts; `others` are the parts of another good token of the same key. */
const SPOILS: readonly Spoil[] = [
  (parts, others, random) => parts.with(random.between(0, parts.length - 1), random.pick(others)),
  (parts, others, random) => {
    const at = random.between(0, parts.length - 1);
    return parts.with(at, others[at] ?? '');
  },
  (parts, _others, random) => parts.with(random.between(0, parts.length - 1), ''),
  (parts) => parts.toReversed(),
  (parts, _others, random) => parts.toSpliced(random.between(0, parts.length), 0, random.pick(parts)),
  (parts, _others, random) => parts.toSpliced(random.between(0, parts.length - 1), 1),
  (parts) => [...parts.slice(0, -1), 'A'.repeat((parts.at(-1) ?? '').length)],
  (parts, _others, random) => {
    const at = random.between(0, parts.length - 1);
    const part = parts[at] ?? '';
    // The last character has bits to spare in many a part: its neighbours decode alike where nobody looks.
    return parts.with(at, part.slice(0, -1) + String.fromCharCode(part.charCodeAt(part.length - 1) + 1));
  },
];

/** A good token with something about it changed: characters, or whole parts. */
export function spoilToken(token: string, other: string, random: SeededRandom): string {
  if (random.between(1, 3) > 1) return mutateText(token, random, PIECES);
  return random.pick(SPOILS)(token.split('.'), other.split('.'), random).join('.');
}
