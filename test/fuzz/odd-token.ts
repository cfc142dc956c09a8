import { type SeededRandom } from '../chaos/seeded-random.ts';
import { FUZZ_NOW_SECONDS } from './fuzz-now.ts';
import { writeMember, writeObject, writeString, writeValue } from './random-json.ts';

/** Where the header of an odd token says its algorithm. */
export interface OddHeader {
  readonly algorithm: string;
  /** JSON texts: what may stand instead of the algorithm. */
  readonly otherAlgorithms: readonly string[];
  /** Written always: name and JSON text, e.g. `enc`. */
  readonly members?: readonly (readonly [string, string])[];
}

export const OTHER_SIGNATURE_ALGORITHMS: readonly string[] = [
  ...['"HS256"', '"HS384"', '"HS512"', '"none"', '"hs256"', '"RS256"', '""', 'null', '0', '["HS256"]', '"HS256 "'],
];

/** Header members that mean something somewhere, with values that do. */
const HEADER_MEMBERS: readonly (readonly [string, readonly string[]])[] = [
  ['typ', ['"JWT"', '"jwt"', '"application/JWT"', '"at+jwt"', '1']],
  ['kid', ['"a"', '""', '1']],
  ['crit', ['["exp"]', '["x"]', '["x","exp"]', '[]', '["b64"]', '"x"', 'null', '[1]', '["toString"]']],
  ['x', ['1', 'null']],
  ['exp', ['1', '"1"']],
  ['b64', ['false', 'true', '0']],
  ['jwk', ['{"kty":"oct","k":"AAAA"}']],
  ['jku', ['"https://attacker.example/keys"']],
  ['cty', ['"JWT"']],
  ['zip', ['"DEF"', '"def"', 'null']],
  ['p2c', ['1e9', '-1']],
  ['epk', ['{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}', 'null']],
  ['tag', ['"AAAA"', '""']],
  ['__proto__', ['{"alg":"none"}']],
];
const TIME_NAMES = ['exp', 'nbf', 'iat'];
const CLAIM_NAMES = ['iss', 'aud', 'sub', 'a', '__proto__', 'constructor'];
/** Round the moment of judging; none nearer to it than the engine's millisecond. */
const TIMES = [
  ...[-11, -10, -9, -1, 0, 0.5, 1, 9, 10, 11].map((offset) => String(FUZZ_NOW_SECONDS + offset)),
  ...['1e308', '-1e308', '1e305', '-0.0', '9007199254740993'],
];
const BROKEN_UTF8 = Buffer.from([0xc3]);
const WHOLE_PAYLOADS = ['[]', 'null', '"{}"', '', '{}{}', '\ufeff{}', '{"a":1,"\\u0061":1}'];

export const oneIn = (random: SeededRandom, times: number): boolean => random.between(1, times) === 1;

/** A header as text: mostly of the algorithm, with members that mean something, some twice, in any spelling. */
export function oddHeaderText(random: SeededRandom, header: OddHeader): string {
  const algorithm = oneIn(random, 4) ? random.pick(header.otherAlgorithms) : writeString(header.algorithm, random);
  const members: (readonly [string, string])[] = [['alg', algorithm], ...(header.members ?? [])];
  for (let left = random.between(0, 3); left > 0; left -= 1) {
    const [name, values] = random.pick(HEADER_MEMBERS);
    members.push([name, random.pick(values)]);
  }
  if (oneIn(random, 30)) members.push(['alg', writeString(header.algorithm, random)]);
  if (oneIn(random, 30)) members.shift();
  const kept = oneIn(random, 20) ? members : [...new Map(members)];
  return `{${kept.map(([name, value]) => writeMember(name, value, random)).join(',')}}`;
}

/** A payload as text: mostly an object, in two of three with a time round {@link FUZZ_NOW_SECONDS}. */
function oddPayloadText(random: SeededRandom): string {
  if (oneIn(random, 20)) return random.pick(WHOLE_PAYLOADS);
  const rest = writeObject({ random, names: CLAIM_NAMES, depth: 2 });
  if (oneIn(random, 3)) return rest;
  const time = oneIn(random, 6) ? writeValue({ random, names: CLAIM_NAMES, depth: 1 }) : random.pick(TIMES);
  const comma = rest.includes(':') ? ',' : '';
  return `{${writeMember(random.pick(TIME_NAMES), time, random)}${comma}${rest.trim().slice(1)}`;
}

/** {@link oddPayloadText} as bytes, now and then with one that is no UTF-8. */
export function oddPayload(random: SeededRandom): Buffer {
  const bytes = Buffer.from(oddPayloadText(random), 'utf8');
  const text = bytes.indexOf('"');
  // In a string, where it stands most often: what else it spoils is no JSON for anybody.
  if (text >= 0 && oneIn(random, 20))
    return Buffer.concat([bytes.subarray(0, text + 1), BROKEN_UTF8, bytes.subarray(text + 1)]);
  return bytes;
}

/** Base64url, now and then in one of the spellings that are no base64url. */
const encoded = (bytes: Buffer, random: SeededRandom): string =>
  bytes.toString(oneIn(random, 60) ? 'base64' : 'base64url');

/** A signed token of such a header and payload; `signatureOf` is told the header's text and the signing input. */
export function oddSignedToken(
  random: SeededRandom,
  header: OddHeader,
  signatureOf: (headerText: string, input: string) => Buffer,
): string {
  const text = oddHeaderText(random, header);
  const input = `${encoded(Buffer.from(text, 'utf8'), random)}.${encoded(oddPayload(random), random)}`;
  return `${input}.${signatureOf(text, input).toString('base64url')}`;
}
