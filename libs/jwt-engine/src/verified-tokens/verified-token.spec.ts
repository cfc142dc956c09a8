import { createSecretKey } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { compileVerifier } from '../compile-verifier.ts';
import { type JsonObject } from '../json-value.ts';
import { HAND_MADE_SECRET, handMadeToken } from '../testing/hand-made-token.ts';
import { bytesOf } from './verified-token.ts';
import { VerifiedTokens } from './verified-tokens.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Enough of them to make more than a megabyte. */
const countOf = (payload: string): number => (payload.length < 1_000 ? 1_500 : 150);
const NOW = 1_700_000_000;

const usual = (n: number) => ({
  iss: 'https://issuer.example.org/',
  sub: `auth0|7f3c9a1b-4c2d-8e3f-${String(n).padStart(12, '0')}`,
  aud: ['https://api.example.org', 'https://issuer.example.org/userinfo'],
  exp: NOW + 3600 + n,
  scope: 'openid profile email read:orders write:orders',
  realm_access: { roles: ['offline_access', `role of ${n}`] },
});
/** A list or an object of so many members that nothing else counts. */
const many = (open: string, close: string, member: (index: number, n: number) => string) => (n: number) =>
  `{"sub":"${n}","all":${open}${Array.from({ length: 300 }, (_, index) => member(index, n)).join(',')}${close}}`;

const heapBytes = (): number => {
  for (let n = 0; n < 2; n += 1) collect();
  return process.memoryUsage().heapUsed;
};

/** What else happens on the heap, like code that is compiled or dropped, can be a megabyte of one round, not of most of them. */
const ROUNDS = 5;
const middleOf = (numbers: readonly number[]): number =>
  numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? NaN;

describe('the estimate of what a remembered token keeps', () => {
  it.each<[string, (n: number) => object | string]>([
    ['of a usual issuer', usual],
    ['with next to nothing in it', (n) => ({ sub: n })],
    ['with one long text', (n) => ({ sub: 'x'.repeat(3_000) + n })],
    ['with a text of two bytes a character', (n) => ({ ...usual(n), name: '漢'.repeat(300) + n })],
    ['with roles', many('[', ']', (index, n) => `"role-${n}-${index}"`)],
    ['with empty objects', many('[', ']', () => '{}')],
    ['with empty lists', many('[', ']', () => '[]')],
    ['with lists in lists', many('[', ']', () => `${'['.repeat(3)}${']'.repeat(3)}`)],
    ['with numbers', many('[', ']', (index) => `${index}.5`)],
    ['with members that no other token has', many('{', '}', (index, n) => `"m${n}_${index}":1`)],
    ['with members that are numbered', many('{', '}', (index) => `"${index * 1_000}":1`)],
    ['with objects that no other token has', many('[', ']', (index, n) => `{"m${n}_${index}":1}`)],
  ])('is no less than what a token %s takes', (_what, payloadOf) => {
    const verifiedTokens = new VerifiedTokens({ entries: 100_000, bytes: 1e12 });
    const count = countOf(JSON.stringify(payloadOf(1)));
    const key = createSecretKey(HAND_MADE_SECRET);
    const verify = compileVerifier({ algorithms: ['HS256'], key, verifiedTokens });
    const remember = (n: number): unknown => verify(handMadeToken({ alg: 'HS256', kid: 'k' }, payloadOf(n)), NOW).ok;
    for (let n = 0; n < 20; n += 1) remember(n);
    const ratios = Array.from({ length: ROUNDS }, (_, round) => {
      const [heapBefore, estimatedBefore] = [heapBytes(), verifiedTokens.counts.bytes];
      const first = 1_000 + round * count;
      for (let n = first; n < first + count; n += 1)
        if (remember(n) !== true) throw new RangeError('a token is refused');
      return (heapBytes() - heapBefore) / (verifiedTokens.counts.bytes - estimatedBefore);
    });
    const ratio = middleOf(ratios);
    expect(ratio).toBeGreaterThan(0);
    expect(ratio).toBeLessThan(1);
  });

  it('lets the usual limits hold 10,000 tokens with 400 characters of plain claims', () => {
    const payloadText = JSON.stringify({ ...usual(1), realm_access: 1, scope: 'x'.repeat(220) });
    const header = { alg: 'RS256', typ: 'JWT', kid: 'k1' };
    const claims = JSON.parse(payloadText) as JsonObject;
    expect(payloadText.length).toBeGreaterThanOrEqual(400);
    const bytes = bytesOf({ header, claims, headerText: JSON.stringify(header), payloadText });
    expect(bytes).toBeLessThanOrEqual((32 * 1024 * 1024) / 10_000);
  });
});
