import { isDeepStrictEqual } from 'node:util';
import {
  readXml,
  type XmlElement,
} from '../../../apps/control-plane/src/api-proxies/policies/verify-jwt-xml/read-xml.ts';
import {
  writeXml,
  type XmlOutput,
} from '../../../apps/control-plane/src/api-proxies/policies/verify-jwt-xml/write-xml.ts';
import { type SeededRandom } from '../../chaos/seeded-random.ts';
import { type FuzzTarget, type Judgement } from '../fuzz-target.ts';
import { mutateText } from '../mutate-text.ts';
import { XML_PIECES } from './policy-seeds.ts';

const NAMES = ['a', 'b', 'VerifyJWT', 'toString', 'hasOwnProperty', 'length', 'a.b', 'a-b', '\u00e9'];
/** No element may be called so. */
const ATTRIBUTE_NAMES = [...NAMES, 'constructor', '__proto__', 'prototype'];
const TEXTS = [
  '',
  'a',
  ' a ',
  '\n',
  '\t',
  '<',
  '&',
  '"',
  "'",
  '>',
  ']]>',
  '&amp;',
  '&#0;',
  '\u00e9',
  '\ud83d\ude00',
  '-->',
  '{a}',
  '\u2028',
];
const DEEPEST = 3;
/** Beside what it names. */
const LONGEST_MESSAGE = 400;

const textOf = (random: SeededRandom): string =>
  Array.from({ length: random.between(0, 3) }, () => random.pick(TEXTS)).join('');

/** Names differ: an element has an attribute once. */
function attributesOf(random: SeededRandom): Record<string, string> {
  const names = new Set(Array.from({ length: random.between(0, 3) }, () => random.pick(ATTRIBUTE_NAMES)));
  return Object.fromEntries([...names].map((name) => [name, textOf(random)]));
}

/** A document whose meaning is known. */
function written(random: SeededRandom, depth: number): XmlOutput {
  const name = random.pick(NAMES);
  const attributes = attributesOf(random);
  if (depth === 0 || random.between(0, 2) === 0) return { name, attributes, content: textOf(random) };
  const content = Array.from({ length: random.between(0, 3) }, () => written(random, depth - 1));
  return { name, attributes, content };
}

/** What a document says, but for the blanks that stand between its elements. */
type Meaning = readonly [
  name: string,
  attributes: readonly (readonly string[])[],
  content: string | readonly unknown[],
];

const meantBy = ({ name, attributes = {}, content = [] }: XmlOutput): Meaning => {
  const own = Object.entries(attributes).map(([attribute, value]) => [attribute, value ?? '']);
  return [name, own, typeof content === 'string' ? content : content.length === 0 ? '' : content.map(meantBy)];
};
const readAs = ({ name, attributes, children, text }: XmlElement): Meaning => [
  name,
  [...attributes],
  children.length === 0 ? text : children.map(readAs),
];

function messageViolation(message: string, text: string): string | undefined {
  if (message.length > LONGEST_MESSAGE + text.length) return 'refused with a message that has no end';
  // eslint-disable-next-line no-control-regex -- naming them is the point
  return /[\u0000-\u001f]/.test(message) ? 'refused with a control character in the message' : undefined;
}

/** A document that was read says the same when it is written again. */
function judge(text: string): Judgement {
  const read = readXml(text);
  if (!read.ok) return { group: 'refused', violation: messageViolation(read.message, text) };
  const isSame = isDeepStrictEqual(readXml(text), read);
  return { group: 'read', violation: isSame ? undefined : 'read differently the second time' };
}

/** What was written as XML is read as what it was; spoilt, it is read or refused. */
export const XML_READER: FuzzTarget = {
  name: 'xml-reader',
  share: 10,
  groups: ['read', 'refused'],
  prepare: () => (random) => {
    const output = written(random, random.between(0, DEEPEST));
    const whole = writeXml(output);
    const isWhole = random.between(0, 2) === 0;
    return {
      text: isWhole ? whole : mutateText(whole, random, XML_PIECES),
      judge: (text) => {
        const judged = judge(text);
        if (text !== whole || judged.violation !== undefined) return judged;
        const read = readXml(text);
        const isMeant = read.ok && isDeepStrictEqual(readAs(read.root), meantBy(output));
        return { ...judged, violation: isMeant ? undefined : 'is read as another document than was written' };
      },
    };
  },
};
