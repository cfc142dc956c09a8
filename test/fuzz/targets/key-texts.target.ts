import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import {
  checkKeyFor,
  type JwtRefusal,
  jwksSelectorFrom,
  privateKeyFrom,
  publicKeyFrom,
  secretKeyFrom,
} from '#libs/jwt-engine';
import { type SeededRandom } from '../../chaos/seeded-random.ts';
import { type FuzzTarget, type Judgement } from '../fuzz-target.ts';
import { FUZZ_TOKENS } from '../fuzz-tokens.ts';
import { mutateText } from '../mutate-text.ts';

const PIECES = [
  ...'AQMZabz09+/=- \n\r\t\u0000\u0141{}[]",:',
  ...[
    '-----BEGIN PUBLIC KEY-----',
    '-----END PUBLIC KEY-----',
    '-----BEGIN PRIVATE KEY-----',
    'RSA ',
    'EC ',
    'ENCRYPTED ',
  ],
  ...['"kty":"EC"', '"kty":"oct"', '"crv":"P-384"', '"kid":"a"', '"kid":1', '"n":""', '"x":"AA"', '"e":"AQ"'],
];

const PAIRS = Object.values(FUZZ_TOKENS.keys);
const jwkOf = (pem: string, kid: string): object => ({ ...createPublicKey(pem).export({ format: 'jwk' }), kid });
const JWKS = JSON.stringify({ keys: PAIRS.map((pair, at) => jwkOf(pair.public, `key-${at}`)) });
const PUBLIC_TEXTS = PAIRS.map((pair) => pair.public);
const PRIVATE_TEXTS = [
  ...PAIRS.map((pair) => pair.private),
  ...PAIRS.slice(1).map((pair) => createPrivateKey(pair.private).export({ type: 'sec1', format: 'pem' }).toString()),
];
/** A private key beside its public one, as a careless copy has them. */
const BOTH_TEXTS = PAIRS.map((pair) => `${pair.public}\n${pair.private}`);
const HEADERS = [{}, { kid: '' }, { kid: 1 }, { kid: 'key-0' }, { kid: 'key-2' }, { kid: '__proto__' }];
const ENCODINGS = ['utf8', 'hex', 'base16', 'base64', 'base64url'] as const;

const groupOf = (found: KeyObject | JwtRefusal): string => ('ok' in found ? found.code : found.type);

/** Judges what was read: only the wanted kind of key, the same each time, and one that can be asked for its fitness. */
function judgeRead(wanted: KeyObject['type'], read: () => KeyObject | JwtRefusal): Judgement {
  const found = read();
  const group = groupOf(found);
  if (groupOf(read()) !== group) return { group, violation: 'read differently the second time' };
  if ('ok' in found) return { group };
  checkKeyFor('RS256', found);
  return { group, violation: found.type === wanted ? undefined : `read a ${found.type} key as a ${wanted} one` };
}

/** A private key in the text must never be taken for a public one. */
function judgePublic(text: string): Judgement {
  const judged = judgeRead('public', () => publicKeyFrom(text));
  const isTold = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text);
  return isTold && judged.group === 'public'
    ? { ...judged, violation: 'read a text that holds a private key' }
    : judged;
}

function judgeKeySet(text: string): Judgement {
  const select = jwksSelectorFrom(text);
  if ('ok' in select) return { group: select.code };
  const judged = HEADERS.flatMap((header) =>
    (['RS256', 'PS512', 'ES256', 'ES512', 'HS256'] as const).map((algorithm) =>
      judgeRead('public', () => select(header, algorithm, undefined)),
    ),
  );
  return (
    judged.find(({ violation }) => violation !== undefined) ??
    judged.find(({ group }) => group === 'public') ?? { group: 'no key' }
  );
}

function judgeSecret(text: string): Judgement {
  const all = ENCODINGS.map((encoding) => judgeRead('secret', () => secretKeyFrom(text, encoding)));
  // Counted by one of them, whichever: each is to be reached.
  return all.find(({ violation }) => violation !== undefined) ?? all[text.length % all.length] ?? { group: 'none' };
}

const READERS: readonly { readonly texts: readonly string[]; readonly judge: (text: string) => Judgement }[] = [
  { texts: PUBLIC_TEXTS, judge: judgePublic },
  { texts: [...PRIVATE_TEXTS, ...BOTH_TEXTS], judge: judgePublic },
  { texts: PRIVATE_TEXTS, judge: (text) => judgeRead('private', () => privateKeyFrom(text)) },
  { texts: PUBLIC_TEXTS, judge: (text) => judgeRead('private', () => privateKeyFrom(text, 'a passphrase')) },
  { texts: [JWKS], judge: judgeKeySet },
  { texts: ['c2VjcmV0LXNlY3JldA', '0a1B 2c\n3D', 'c2+/cmV0=='], judge: judgeSecret },
];

/** Texts of keys, as policies and variables hold them, spoilt. */
export const KEY_TEXTS: FuzzTarget = {
  name: 'key-texts',
  share: 4,
  groups: [
    'public',
    'private',
    'secret',
    'KeyParsingFailed',
    'InvalidPublicKey',
    'InvalidPrivateKey',
    'InvalidSecretKey',
    'InvalidKeyConfiguration',
  ],
  prepare: () => (random: SeededRandom) => {
    const { texts, judge } = random.pick(READERS);
    const text = random.pick(texts);
    return { text: random.between(0, 5) === 0 ? text : mutateText(text, random, PIECES), judge };
  },
};
