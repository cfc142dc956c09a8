import { isDeepStrictEqual } from 'node:util';
import { parseJsonObject } from '#libs/jwt-engine/testing';
import { type SeededRandom } from '../../chaos/seeded-random.ts';
import { type FuzzTarget, type Judgement } from '../fuzz-target.ts';
import { mutateText } from '../mutate-text.ts';
import { writeObject } from '../random-json.ts';
import { referenceJsonObject } from '../reference-json.ts';

const NAMES = [
  'a',
  'b',
  'alg',
  'al',
  '',
  '__proto__',
  'constructor',
  'toString',
  '0',
  '\u00e9',
  'e\u0301',
  '\ud83d\ude00',
];
/** Bytes as characters up to U+00FF: structure, and what is no UTF-8. */
const PIECES = [
  ...'{}[]",:\\/ \n\t\u0000ua0-1.e',
  ...['\\u0061', '\\u00', '\\ud83d', '"a":1', ',"a":1', '{"a":1}', 'null', 'true'],
  ...['\u00c0\u00a2', '\u00ed\u00a0\u0080', '\u00ef\u00bb\u00bf', '\u0080', '\u00ff', '\u00f0\u009f\u0098\u0080'],
];

/** As deep as the limit, one less, one more, and far beyond. */
const deep = (random: SeededRandom): string => {
  const depth = random.pick([62, 63, 64, 65, 2000]);
  const [open, close] = random.pick([
    ['{"a":', '}'],
    ['[', ']'],
  ] as const);
  return `{"a":${open.repeat(depth)}1${close.repeat(depth)}}`;
};

/** As many values as the limit, one less, one more. */
const wide = (random: SeededRandom): string => `{"a":[1${',1'.repeat(16_382 + random.between(-1, 1))}]}`;

function judge(text: string): Judgement {
  const bytes = Buffer.from(text, 'latin1');
  const [ours, reference] = [parseJsonObject(bytes), referenceJsonObject(bytes)];
  const group = ours === undefined ? 'refused' : 'read';
  if (ours === undefined || reference === undefined) {
    return { group, violation: ours === reference ? undefined : `${group} what the reference does not` };
  }
  if (!isDeepStrictEqual(ours.value, reference)) return { group, violation: 'read as another value' };
  const isSameText = Buffer.from(ours.text, 'utf8').equals(bytes);
  return { group, violation: isSameText ? undefined : 'kept another text' };
}

/** Strict JSON against a recursive descent by the grammar. The text is the bytes, one character each. */
export const STRICT_JSON: FuzzTarget = {
  name: 'strict-json',
  share: 30,
  groups: ['read', 'refused'],
  prepare: () => (random) => {
    const odd = random.between(0, 400);
    const json = odd > 2 ? writeObject({ random, names: NAMES, depth: 3 }) : (odd > 0 ? deep : wide)(random);
    const text = Buffer.from(json, 'utf8').toString('latin1');
    return { text: random.between(0, 1) === 0 ? text : mutateText(text, random, PIECES), judge };
  },
};
