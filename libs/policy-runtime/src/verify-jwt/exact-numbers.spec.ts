import { exchangeFor, linked, NOW_MS, placed, routeOf } from '../testing/artifacts.ts';
import { makeToken } from '../testing/token-maker.ts';

const SECRET = '0123456789abcdef0123456789abcdef';
const HS256 = { type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.key' } };

interface Given {
  readonly policy: object;
  /** The very texts, since it is their digits that count. */
  readonly payload?: string;
  readonly header?: string;
  readonly set?: Readonly<Record<string, string>>;
}

async function outcomeOf({ policy, payload = '{}', header = '', set = {} }: Given): Promise<string> {
  const proxy = linked({ request: [placed('P', { ...HS256, ...policy })], variables: { 'private.key': SECRET } });
  const token = makeToken({ header: `{"alg":"HS256"${header}}`, payload, algorithm: 'HS256', key: SECRET });
  const exchange = exchangeFor(proxy, { headers: { Authorization: `Bearer ${token}` } });
  for (const [name, value] of Object.entries(set)) exchange.setVariable(name, value);
  const fault = await routeOf(proxy).runRequest(exchange, NOW_MS);
  return fault === undefined ? 'pass' : `${fault.name} ${/claim\(.*\)/.exec(fault.reason)?.[0] ?? ''}`;
}

/** verify-jwt.md 13.15: as doubles, these two are one number. */
const [BIG, OTHER] = ['12345678901234567890', '12345678901234567891'];
const REFUSED = 'InvalidClaim claim(n)';

describe('numbers are compared by their digits', () => {
  it.each([
    ['number', BIG, BIG, 'pass'],
    ['number', OTHER, BIG, REFUSED],
    ['number', '1', '1.0', 'pass'],
    ['number', '1e2', '100', 'pass'],
    ['number', '1.00000000000000000001', '1', REFUSED],
    ['number', '9007199254740993', '9007199254740992', REFUSED],
    ['number', `"${BIG}"`, BIG, REFUSED],
    ['string', BIG, BIG, 'pass'],
    ['string', OTHER, BIG, REFUSED],
    ['string', '1.0', '1.0', 'pass'],
    ['string', `[1.0, ${BIG}]`, `[1.0,${BIG}]`, 'pass'],
    ['string', `[1.0, ${OTHER}]`, `[1.0,${BIG}]`, REFUSED],
    ['map', `{"a":[${BIG}],"b":1.0}`, `{"b":1,"a":[${BIG}]}`, 'pass'],
    ['map', `{"a":[${OTHER}],"b":1.0}`, `{"b":1,"a":[${BIG}]}`, REFUSED],
  ])('%s: %s in the token, %s expected: %s', async (type, actual, expected, outcome) => {
    const written = { additionalClaims: [{ name: 'n', type, value: expected }] };
    expect(await outcomeOf({ policy: written, payload: `{"n":${actual}}` })).toBe(outcome);
    const named = { additionalClaims: [{ name: 'n', type, ref: 'flow.expected' }] };
    const set = { 'flow.expected': expected };
    expect(await outcomeOf({ policy: named, payload: `{"n":${actual}}`, set })).toBe(outcome);
  });

  it.each([
    [`[1.0,${BIG}]`, 'pass'],
    [`[1.0,${OTHER}]`, REFUSED],
  ])('in lists: %s', async (actual, outcome) => {
    const payload = `{"n":${actual}}`;
    const written = { additionalClaims: [{ name: 'n', type: 'number', array: true, value: `1, ${BIG}` }] };
    expect(await outcomeOf({ policy: written, payload })).toBe(outcome);
    const named = { additionalClaims: [{ name: 'n', type: 'number', array: true, ref: 'flow.expected' }] };
    expect(await outcomeOf({ policy: named, payload, set: { 'flow.expected': `[1,${BIG}]` } })).toBe(outcome);
  });

  it.each([
    [BIG, 'pass'],
    [OTHER, REFUSED],
  ])('in whole objects: %s', async (actual, outcome) => {
    const policy = { additionalClaims: { ref: 'flow.expected' } };
    const set = { 'flow.expected': `{"m":{"deep":1.0},"n":${BIG}}` };
    expect(await outcomeOf({ policy, payload: `{"n":${actual},"m":{"deep":1}}`, set })).toBe(outcome);
  });

  it.each([
    [BIG, 'pass'],
    [OTHER, 'InvalidClaim claim(n)'],
  ])('in headers: %s', async (actual, outcome) => {
    const policy = { additionalHeaders: [{ name: 'n', type: 'number', value: BIG }] };
    expect(await outcomeOf({ policy, header: `,"n":${actual}` })).toBe(outcome);
  });
});

describe('an expected value that nests without end', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  it.each([
    ['a list', { claims: [{ name: 'n', array: true, ref: 'flow.expected' }] }, `[${deep}]`, 'n'],
    ['a map', { claims: [{ name: 'n', type: 'map', ref: 'flow.expected' }] }, `{"a":${deep}}`, 'n'],
    ['a whole object', { ref: 'flow.expected' }, `{"n":${deep}}`, 'flow.expected'],
  ])('fits nothing as %s, and stops nobody', async (_what, additionalClaims, expected, name) => {
    const given = { policy: { additionalClaims }, payload: '{"n":[[]]}', set: { 'flow.expected': expected } };
    expect(await outcomeOf(given)).toBe(`InvalidClaim claim(${name})`);
  });
});
