import { createSecretKey } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { compileVerifier, type KeySelector } from '../compile-verifier.ts';
import { refusal } from '../jwt-refusal.ts';
import { HAND_MADE_SECRET, handMadeToken } from '../testing/hand-made-token.ts';
import { type VerifyResult } from '../token-rules.ts';
import { VerifiedTokens, type VerifiedTokenLimits } from './verified-tokens.ts';

const NOW = 1_700_000_000;
const KEY = createSecretKey(HAND_MADE_SECRET);
const OTHER_KEY = createSecretKey(Buffer.alloc(32, 7));
const ROOMY: VerifiedTokenLimits = { entries: 100, bytes: 1_000_000 };

const token = (claims: object): string => handMadeToken({ alg: 'HS256' }, claims);
const GOOD = token({ sub: 'alice', exp: NOW + 60 });
const BAD = `${GOOD.slice(0, -1)}${GOOD.endsWith('A') ? 'E' : 'A'}`;

function verifier(limits = ROOMY, verifiedTokens = new VerifiedTokens(limits)) {
  let key: ReturnType<KeySelector<void>> = KEY;
  const verify = compileVerifier({ algorithms: ['HS256'], key: () => key, verifiedTokens });
  const verdict = (text: string, nowSeconds = NOW): unknown => {
    const result = verify(text, nowSeconds);
    return result.ok ? 'ok' : result.code;
  };
  return { verifiedTokens, verify, verdict, select: (other: typeof key) => (key = other) };
}
const jwtOf = (result: VerifyResult) => {
  if (result.jwt === undefined) throw new RangeError('no token');
  return result.jwt;
};
const numbered = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => token({ sub: `s${from + index}` }));

describe('tokens that are remembered', () => {
  it('need no second signature check, and say the same', () => {
    const { verify, verifiedTokens } = verifier();
    const first = verify(GOOD, NOW);
    expect(verify(GOOD, NOW)).toEqual(first);
    expect(first).toMatchObject({ ok: true, jwt: { claims: { sub: 'alice' } } });
    expect(verifiedTokens.counts).toMatchObject({ hits: 1, misses: 1, entries: 1 });
  });

  it('are judged by their times every time', () => {
    const { verdict, verifiedTokens } = verifier();
    const timely = token({ nbf: NOW - 10, iat: NOW - 10, exp: NOW + 10 });
    const at = [0, 10, -11, 0].map((seconds) => verdict(timely, NOW + seconds));
    expect(at).toEqual(['ok', 'TokenExpired', 'TokenNotYetValid', 'ok']);
    expect(verifiedTokens.counts).toMatchObject({ hits: 3, misses: 1 });
  });

  it('are verified anew by another key, and refused with what the selector refuses with', () => {
    const { verdict, select, verifiedTokens } = verifier();
    expect(verdict(GOOD)).toBe('ok');
    select(OTHER_KEY);
    expect(verdict(GOOD)).toBe('InvalidSignature');
    select(refusal('NoMatchingPublicKey'));
    expect(verdict(GOOD)).toBe('NoMatchingPublicKey');
    select(createSecretKey(HAND_MADE_SECRET));
    expect(verdict(GOOD)).toBe('ok');
    expect(verifiedTokens.counts).toMatchObject({ hits: 0, misses: 3, entries: 1 });
  });

  it('are nothing to another verifier', () => {
    const verifiedTokens = new VerifiedTokens(ROOMY);
    expect(verifier(ROOMY, verifiedTokens).verdict(GOOD)).toBe('ok');
    const strict = compileVerifier({ algorithms: ['HS256'], key: OTHER_KEY, verifiedTokens });
    expect(strict(GOOD, NOW)).toMatchObject({ code: 'InvalidSignature' });
    const typed = compileVerifier({ algorithms: ['HS256'], key: KEY, type: 'at+jwt', verifiedTokens });
    expect(typed(GOOD, NOW)).toMatchObject({ code: 'WrongTokenType' });
  });

  it('are told from tokens that differ in one character, wherever it is', () => {
    const { verdict } = verifier();
    expect(verdict(GOOD)).toBe('ok');
    for (let at = 0; at < GOOD.length; at += 1) {
      const other = GOOD[at] === 'B' ? 'C' : 'B';
      expect(verdict(GOOD.slice(0, at) + other + GOOD.slice(at + 1))).not.toBe('ok');
    }
    for (const other of [`${GOOD}=`, ` ${GOOD}`, GOOD.replace('.', '\u012e'), `${GOOD}\ud800`]) {
      expect(verdict(other)).toBe('MalformedToken');
    }
  });

  it('are frozen, since requests share them', () => {
    const { verify } = verifier();
    const nested = handMadeToken({ alg: 'HS256', x: { y: [{}] } }, { list: [{ a: {} }], o: { p: null } });
    const jwt = jwtOf(verify(nested, NOW));
    const everyObject = (value: unknown): object[] =>
      typeof value !== 'object' || value === null ? [] : [value, ...Object.values(value).flatMap(everyObject)];
    expect(everyObject(jwt)).toHaveLength(10);
    expect(everyObject(jwt).filter((value) => !Object.isFrozen(value))).toEqual([]);
  });

  it('are not kept when they are expired, or too large for the room', () => {
    const { verdict, verifiedTokens } = verifier({ entries: 100, bytes: 20_000 });
    expect(verdict(GOOD, NOW + 60)).toBe('TokenExpired');
    expect(verdict(token({ text: 'x'.repeat(300) }))).toBe('ok');
    expect(verifiedTokens.counts).toMatchObject({ entries: 0, bytes: 0 });
  });
});

describe('the bound of remembered tokens', () => {
  it.each([
    ['entries', { entries: 10, bytes: 1_000_000 }],
    ['bytes', { entries: 1_000, bytes: 30_000 }],
  ] as const)('is kept in %s, whatever comes', (unit, limits) => {
    const { verdict, verifiedTokens } = verifier(limits);
    const texts = numbered(60);
    let most = 0;
    for (let n = 0; n < 2_000; n += 1) {
      expect(verdict(texts[(n * n + (n >> 3)) % texts.length] ?? '')).toBe('ok');
      most = Math.max(most, verifiedTokens.counts[unit]);
      expect(verifiedTokens.counts[unit]).toBeLessThanOrEqual(limits[unit]);
    }
    expect(most).toBeGreaterThan(limits[unit] * 0.8);
    const { misses, evictions, entries } = verifiedTokens.counts;
    expect(misses).toBeGreaterThanOrEqual(evictions + entries);
  });

  it('lets no tokens that come once push out those that come again and again', () => {
    const { verdict, verifiedTokens } = verifier({ entries: 40, bytes: 1_000_000 });
    const regulars = numbered(10);
    for (const once of numbered(1_000, 10)) {
      for (const regular of regulars) verdict(regular);
      verdict(once);
    }
    expect(verifiedTokens.counts.misses).toBe(1_010);
  });

  it('keeps what comes for the second time only, while there is not room for all', () => {
    const { verdict, verifiedTokens } = verifier({ entries: 40, bytes: 1_000_000 });
    for (const once of numbered(21)) verdict(once);
    // The first half is full, the second has begun.
    expect(verifiedTokens.counts.entries).toBe(21);
    const late = numbered(5, 100);
    for (const text of late) verdict(text);
    expect(verifiedTokens.counts.entries).toBe(21);
    for (const text of late) verdict(text);
    expect(verifiedTokens.counts).toMatchObject({ entries: 26, hits: 0 });
    for (const text of late) verdict(text);
    expect(verifiedTokens.counts).toMatchObject({ entries: 26, hits: 5 });
    // A generation that ended by time was not full.
    verdict(late[0] ?? '', NOW + 301);
    verdict(token({ sub: 'new' }), NOW + 301);
    verdict(token({ sub: 'new' }), NOW + 301);
    expect(verifiedTokens.counts.hits).toBe(7);
  });

  it('forgets what nobody showed for two generations, by a clock that may be set back', () => {
    for (const direction of [1, -1]) {
      const { verdict, verifiedTokens } = verifier();
      const [forgotten = '', regular = '', ...others] = numbered(10);
      verdict(forgotten);
      for (const [index, other] of others.entries()) {
        const now = NOW + direction * 100 * index;
        expect([verdict(regular, now), verdict(other, now)]).toEqual(['ok', 'ok']);
      }
      const { misses } = verifiedTokens.counts;
      expect(verifiedTokens.counts.entries).toBeLessThan(10);
      verdict(regular, NOW + direction * 700);
      expect(verifiedTokens.counts.misses).toBe(misses);
      verdict(forgotten, NOW + direction * 700);
      expect(verifiedTokens.counts.misses).toBe(misses + 1);
    }
  });

  it('forgets them although no other is added: whichever token comes ends a generation that is over', () => {
    const { verdict, verifiedTokens } = verifier();
    const [forgotten = '', regular = ''] = numbered(2);
    for (const text of [forgotten, regular]) verdict(text);
    const { bytes } = verifiedTokens.counts;
    for (const seconds of [299, 301, 602, 903]) verdict(regular, NOW + seconds);
    expect(verifiedTokens.counts).toMatchObject({ entries: 1, bytes: bytes / 2, evictions: 1, misses: 2 });
  });

  it('frees what a verifier kept when the verifier is gone, before its generation ends', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const verifiedTokens = new VerifiedTokens({ entries: 100_000, bytes: 1_000_000_000 });
    const keptBy = (): WeakRef<object> => new WeakRef(jwtOf(verifier(ROOMY, verifiedTokens).verify(GOOD, NOW)));
    const lasting = verifier(ROOMY, verifiedTokens);
    const remembered = new WeakRef(jwtOf(lasting.verify(GOOD, NOW)));
    const gone = Array.from({ length: 10_000 }, keptBy);
    await setImmediate();
    collect();
    expect(gone.filter((one) => one.deref() !== undefined)).toHaveLength(0);
    expect(lasting.verify(GOOD, NOW).jwt).toBe(remembered.deref());
    expect(verifiedTokens.counts.evictions).toBe(0);
  });

  it('must be positive', () => {
    expect(() => new VerifiedTokens({ entries: 0, bytes: 1 })).toThrow(RangeError);
    expect(() => new VerifiedTokens({ entries: 1, bytes: NaN })).toThrow(RangeError);
  });
});

describe('bad signatures', () => {
  it('are remembered for less than a second, by a clock that may be set back', () => {
    const { verdict, verifiedTokens } = verifier();
    for (const [seconds, repeated] of [
      [0, 0],
      [0.999, 1],
      [1, 1],
      [1.5, 2],
      [0.5, 2],
      [0.6, 3],
    ] as const) {
      expect(verdict(BAD, NOW + seconds)).toBe('InvalidSignature');
      expect(verifiedTokens.counts.repeatedRefusals).toBe(repeated);
    }
  });

  it('are bad for the key that found them bad alone', () => {
    const { verdict, select } = verifier();
    select(OTHER_KEY);
    expect(verdict(GOOD)).toBe('InvalidSignature');
    select(KEY);
    expect(verdict(GOOD)).toBe('ok');
    const other = verifier();
    expect(other.verdict(BAD)).toBe('InvalidSignature');
    expect(other.verdict(GOOD)).toBe('ok');
  });

  it('push out no good token, however many', () => {
    const { verdict, verifiedTokens } = verifier({ entries: 4, bytes: 1_000_000 });
    verdict(GOOD);
    const dot = GOOD.lastIndexOf('.');
    for (let n = 0; n < 5_000; n += 1) {
      const signature = Buffer.alloc(32, 1);
      signature.writeUInt32BE(n);
      expect(verdict(`${GOOD.slice(0, dot)}.${signature.toString('base64url')}`)).toBe('InvalidSignature');
    }
    expect(verdict(GOOD)).toBe('ok');
    expect(verifiedTokens.counts).toMatchObject({ hits: 1, misses: 5_001, entries: 1 });
  });
});
