import { decodeBase64Url, decodeBase64UrlBriefly, isBase64Url } from '#libs/jwt-engine/testing';
import { type SeededRandom } from '../../chaos/seeded-random.ts';
import { type FuzzTarget, type Judgement } from '../fuzz-target.ts';
import { mutateText } from '../mutate-text.ts';
import { referenceBase64Url } from '../reference-base64url.ts';

const ALPHABET = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];
/** The other alphabet, padding, blanks, and characters whose low byte is one of the alphabet. */
const FOREIGN = [...'+/=.\n \u0000\u0141\u0161\uff21\ud83d', '==', '\ud83d\ude00'];
const LONGEST_BYTES = 24;

const encodedBytes = (random: SeededRandom): string =>
  Buffer.from(Array.from({ length: random.between(0, LONGEST_BYTES) }, () => random.between(0, 255))).toString(
    'base64url',
  );

const anyText = (random: SeededRandom): string =>
  Array.from({ length: random.between(0, 10) }, () => random.pick(ALPHABET)).join('');

function judgePlain(text: string): Judgement {
  const [ours, reference] = [decodeBase64Url(text), referenceBase64Url(text)];
  const group = ours === undefined ? 'refused' : 'decoded';
  if (ours === undefined || reference === undefined) {
    return { group, violation: ours === reference ? undefined : `${group} what the reference does not` };
  }
  return { group, violation: ours.equals(reference) ? undefined : 'decoded to other bytes' };
}

/** The forms for the request path must say what the plain one says. */
function judge(text: string): Judgement {
  const judged = judgePlain(text);
  const [plain, brief] = [decodeBase64Url(text), decodeBase64UrlBriefly(text)];
  if (isBase64Url(text) !== (plain !== undefined)) return { ...judged, violation: 'isBase64Url says otherwise' };
  const isSame = plain === undefined ? brief === undefined : brief?.equals(plain);
  return isSame === true ? judged : { ...judged, violation: 'decodeBase64UrlBriefly says otherwise' };
}

/** Base64url against the letter of RFC 4648. */
export const STRICT_BASE64URL: FuzzTarget = {
  name: 'strict-base64url',
  share: 30,
  groups: ['decoded', 'refused'],
  prepare: () => (random) => {
    const text = random.pick([encodedBytes, anyText])(random);
    const pieces = random.pick([ALPHABET, FOREIGN]);
    return { text: random.between(0, 3) === 0 ? text : mutateText(text, random, pieces), judge };
  },
};
