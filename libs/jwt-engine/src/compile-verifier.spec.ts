import {
  constants,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  type SignKeyObjectInput,
} from 'node:crypto';
import { compileSigner } from './compile-signer.ts';
import { compileVerifier, type VerifierOptions } from './compile-verifier.ts';
import { jwksSelectorFrom } from './jwks-selector.ts';
import { type JsonObject } from './json-value.ts';
import { type JwtRefusal, refusal } from './jwt-refusal.ts';
import { encoded, HAND_MADE_SECRET, handMadeToken } from './testing/hand-made-token.ts';
import { MAX_TOKEN_LENGTH } from './token-rules.ts';

const NOW = 1_700_000_000;
const KEY = createSecretKey(HAND_MADE_SECRET);
const HS256 = { algorithms: ['HS256'], key: KEY } as const;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

const verdict = (token: string, options: Partial<VerifierOptions<void>> = {}): JwtRefusal | 'passes' => {
  const result = compileVerifier({ ...HS256, ...options })(token, NOW);
  return result.ok ? 'passes' : result;
};
const code = (token: string, options: Partial<VerifierOptions<void>> = {}): string => {
  const result = verdict(token, options);
  return result === 'passes' ? result : result.code;
};
const GOOD_HEADER = { alg: 'HS256', typ: 'JWT' };

describe('the evaluation order', () => {
  const parts = (header: string, payload: string): string => handMadeToken(header, payload);
  const badSignature = (token: string): string =>
    `${token.slice(0, token.lastIndexOf('.'))}.${encoded('x'.repeat(32))}`;
  const headerText = (more: object): string => JSON.stringify({ crit: ['x'], typ: 'other', ...more });
  const claimsText = (more: object): string =>
    JSON.stringify({ exp: NOW - 1, nbf: NOW + 1, iat: NOW + 1, iss: 'i', aud: 'a', sub: 's', ...more });
  const known = { alg: 'HS256', x: 1 };
  const typed = { ...known, typ: 'at+jwt' };
  const full = headerText({ ...typed, kid: 'good' });

  /** Each row repairs what the row before was refused for; everything later is still wrong. */
  const rows: readonly (readonly [string, string, Partial<JwtRefusal>])[] = [
    ['a fourth part', `${badSignature(parts('no json', 'no json'))}.`, { code: 'MalformedToken' }],
    ['a header that is no JSON', badSignature(parts('no json', 'no json')), { code: 'InvalidJsonFormat' }],
    ['no alg', badSignature(parts(headerText({}), 'no json')), { code: 'NoAlgorithmInHeader' }],
    [
      'another alg',
      badSignature(parts(headerText({ alg: 'RS256' }), 'no json')),
      { code: 'AlgorithmNotAllowed', algorithm: 'RS256' },
    ],
    [
      'a critical header that is absent',
      badSignature(parts(headerText({ alg: 'HS256' }), 'no json')),
      { code: 'UnhandledCriticalHeader', header: 'x' },
    ],
    ['another typ', badSignature(parts(headerText(known), 'no json')), { code: 'WrongTokenType' }],
    ['no key', badSignature(parts(headerText(typed), 'no json')), { code: 'KeyIdMissing' }],
    [
      'a key of another type',
      badSignature(parts(headerText({ ...typed, kid: 'rsa' }), 'no json')),
      { code: 'WrongKeyType' },
    ],
    ['a bad signature', badSignature(parts(full, 'no json')), { code: 'InvalidSignature' }],
    ['a payload that is no JSON', parts(full, 'no json'), { code: 'InvalidJsonFormat' }],
    ['an exp that is over', parts(full, claimsText({})), { code: 'TokenExpired' }],
    ['an nbf ahead', parts(full, claimsText({ exp: NOW + 99 })), { code: 'TokenNotYetValid' }],
    ['an iat ahead', parts(full, claimsText({ exp: NOW + 99, nbf: NOW })), { code: 'TokenNotYetValid' }],
    [
      'too long a life',
      parts(full, claimsText({ exp: NOW + 99, nbf: NOW, iat: NOW })),
      { code: 'ClaimMismatch', claim: 'exp' },
    ],
    [
      'another iss',
      parts(full, claimsText({ exp: NOW + 9, nbf: NOW, iat: NOW })),
      { code: 'ClaimMismatch', claim: 'iss' },
    ],
    [
      'another aud',
      parts(full, claimsText({ exp: NOW + 9, nbf: NOW, iat: NOW, iss: 'issuer' })),
      { code: 'ClaimMismatch', claim: 'aud' },
    ],
    [
      'a claim the first check refuses',
      parts(full, claimsText({ exp: NOW + 9, nbf: NOW, iat: NOW, iss: 'issuer', aud: 'audience' })),
      { code: 'ClaimMismatch', claim: 'sub' },
    ],
    [
      'a claim the second check refuses',
      parts(full, claimsText({ exp: NOW + 9, nbf: NOW, iat: NOW, iss: 'issuer', aud: 'audience', sub: 'alice' })),
      { code: 'UnresolvedReference', reference: 'jti.expected' },
    ],
  ];
  const keys: ReadonlyMap<unknown, KeyObject> = new Map([
    ['good', KEY],
    ['rsa', rsa.publicKey],
  ]);
  const verify = compileVerifier({
    algorithms: ['HS256'],
    key: ({ kid }) => keys.get(kid) ?? refusal('KeyIdMissing'),
    type: 'at+jwt',
    knownCriticalHeaders: ['x'],
    maxLifespan: { seconds: 10, useIssueTime: true },
    issuer: 'issuer',
    audience: 'audience',
    checks: [
      ({ claims }) => (claims['sub'] === 'alice' ? undefined : refusal('ClaimMismatch', { claim: 'sub' })),
      ({ claims }) => ('jti' in claims ? undefined : refusal('UnresolvedReference', { reference: 'jti.expected' })),
    ],
  });

  it.each(rows)('stops at %s, whatever else is wrong', (_what, token, expected) => {
    expect(verify(token, NOW)).toMatchObject({ ok: false, ...expected });
  });

  it('ends with the token when nothing is wrong', () => {
    const claims = { exp: NOW + 9, nbf: NOW, iat: NOW, iss: 'issuer', aud: 'audience', sub: 'alice', jti: '1' };
    const payload = JSON.stringify(claims, undefined, 2);
    expect(verify(parts(full, payload), NOW)).toEqual({
      ok: true,
      jwt: { header: JSON.parse(full) as unknown, claims, headerText: full, payloadText: payload },
    });
  });

  it('shows the token after the signature was found good, and never before', () => {
    const shown = rows.map(([, token]) => {
      const result = verify(token, NOW);
      return !result.ok && result.jwt !== undefined;
    });
    expect(shown.indexOf(true)).toBe(rows.findIndex(([, , expected]) => expected.code === 'TokenExpired'));
    expect(shown.lastIndexOf(false)).toBe(shown.indexOf(true) - 1);
  });
});

describe('a token', () => {
  const good = handMadeToken(GOOD_HEADER, {});

  it.each([
    ['empty', ''],
    ['without dots', 'foobar'],
    ['of two parts', 'e30.e30'],
    ['of five parts', 'e30.e30.e30.e30.e30'],
    ['with padding', `${good}=`],
    ['with blanks around it', ` ${good} `],
    ['with a header of another alphabet', `+/+/.e30.e30`],
    ['with a payload that is not base64url', good.replace(/\.[^.]*\./, '.??.')],
    ['with a letter that has the low byte of the right one', good.replace(/^e/, '\u0165')],
  ])('that is %s is malformed', (_what, token) => {
    expect(verdict(token)).toEqual({ ok: false, code: 'MalformedToken' });
  });

  it('may be as long as the limit and no longer', () => {
    const ofLength = (length: number): string => {
      const bare = handMadeToken(GOOD_HEADER, { p: '' }).length;
      const guess = Math.floor(((length - bare) * 3) / 4);
      const tokens = [0, 1, 2, 3].map((more) => handMadeToken(GOOD_HEADER, { p: 'x'.repeat(guess + more - 1) }));
      const found = tokens.find((token) => token.length >= length);
      if (found === undefined) throw new Error('no token of this length');
      return found;
    };
    const longest = ofLength(MAX_TOKEN_LENGTH);
    expect(longest.length - MAX_TOKEN_LENGTH).toBeLessThanOrEqual(1);
    expect(code(longest)).toBe(longest.length > MAX_TOKEN_LENGTH ? 'MalformedToken' : 'passes');
    expect(code(ofLength(MAX_TOKEN_LENGTH - 2))).toBe('passes');
    expect(code(ofLength(MAX_TOKEN_LENGTH + 2))).toBe('MalformedToken');
  });

  it.each([
    ['an array', '[]'],
    ['a string', '"alg"'],
    ['null', 'null'],
    ['repeating alg', '{"alg":"HS256","alg":"HS256"}'],
    ['repeating alg in another spelling', '{"alg":"HS256","\\u0061lg":"HS256"}'],
  ])('with a header that is %s is InvalidJsonFormat', (_what, header) => {
    expect(code(handMadeToken(header, {}))).toBe('InvalidJsonFormat');
  });

  it('with broken UTF-8 in its payload is InvalidJsonFormat', () => {
    const payload = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(code(handMadeToken(GOOD_HEADER, payload))).toBe('InvalidJsonFormat');
  });

  it('with __proto__ among its claims changes no prototype and no claim', () => {
    const token = handMadeToken(GOOD_HEADER, '{"__proto__":{"iss":"issuer","admin":true}}');
    expect(code(token, { issuer: 'issuer' })).toBe('ClaimMismatch');
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe('alg', () => {
  it.each([
    ['none', 'AlgorithmNotAllowed'],
    ['hs256', 'AlgorithmNotAllowed'],
    ['HS512', 'AlgorithmNotAllowed'],
    ['', 'AlgorithmNotAllowed'],
    [256, 'NoAlgorithmInHeader'],
    [null, 'NoAlgorithmInHeader'],
    [['HS256'], 'NoAlgorithmInHeader'],
  ])('%j: %s', (alg, expected) => {
    expect(code(handMadeToken({ alg }, {}))).toBe(expected);
  });

  it('none is refused without a signature too', () => {
    expect(verdict('eyJhbGciOiJub25lIn0.e30.')).toEqual({ ok: false, code: 'AlgorithmNotAllowed', algorithm: 'none' });
  });

  it('HS256 made with a public key as the secret never reaches that key', () => {
    let asked = 0;
    const verify = compileVerifier({
      algorithms: ['RS256'],
      key: () => {
        asked += 1;
        return rsa.publicKey;
      },
    });
    const secret = createSecretKey(Buffer.from(rsa.publicKey.export({ type: 'spki', format: 'pem' })));
    const token = compileSigner({ algorithm: 'HS256', key: secret })({});
    expect(verify(token, NOW)).toMatchObject({ code: 'AlgorithmNotAllowed', algorithm: 'HS256' });
    expect(asked).toBe(0);
  });
});

describe('crit', () => {
  const withCrit = (crit: unknown, more: object = {}): string => handMadeToken({ ...GOOD_HEADER, crit, ...more }, {});
  const unhandled = (header: string): object => ({ ok: false, code: 'UnhandledCriticalHeader', header });

  it('passes when every name is known and present', () => {
    expect(code(withCrit(['a', 'b'], { a: 1, b: null }), { knownCriticalHeaders: ['a', 'b', 'c'] })).toBe('passes');
  });

  it.each([
    ['nobody knows', withCrit(['a'], { a: 1 }), [], 'a'],
    ['is known only in part', withCrit(['a', 'b'], { a: 1, b: 1 }), ['a'], 'b'],
    ['is absent', withCrit(['a']), ['a'], 'a'],
    ['only prototypes have', withCrit(['toString']), ['toString'], 'toString'],
    ['is b64', withCrit(['b64'], { b64: true }), ['b64'], 'b64'],
  ])('is refused when it names a header that %s', (_what, token, knownCriticalHeaders, header) => {
    expect(verdict(token, { knownCriticalHeaders })).toEqual(unhandled(header));
  });

  it.each([[[]], ['a'], [{ a: 1 }], [['a', 1]], [null], [true]])('is refused when it is %j', (crit) => {
    expect(verdict(withCrit(crit, { a: 1 }), { knownCriticalHeaders: ['a'] })).toEqual(unhandled('crit'));
  });

  it('is not looked at when critical headers are ignored', () => {
    for (const crit of [['a'], [], 'a', null])
      expect(code(withCrit(crit), { ignoreCriticalHeaders: true })).toBe('passes');
  });

  it('never lets an unencoded payload through', () => {
    const token = withCrit(['b64'], { b64: false });
    const options = { ignoreCriticalHeaders: true, knownCriticalHeaders: ['b64'] };
    expect(verdict(token, options)).toEqual(unhandled('b64'));
    expect(verdict(handMadeToken({ ...GOOD_HEADER, b64: false }, {}), options)).toEqual(unhandled('b64'));
  });
});

describe('typ', () => {
  it.each([
    ['at+jwt', 'at+jwt', 'passes'],
    ['AT+JWT', 'at+jwt', 'passes'],
    ['application/at+jwt', 'at+jwt', 'passes'],
    ['at+jwt', 'application/AT+jwt', 'passes'],
    ['JWT', 'at+jwt', 'WrongTokenType'],
    ['text/at+jwt', 'at+jwt', 'WrongTokenType'],
    [undefined, 'at+jwt', 'WrongTokenType'],
    [7, 'at+jwt', 'WrongTokenType'],
    ['anything', undefined, 'passes'],
  ])('%j where %j is required: %s', (typ, type, expected) => {
    expect(code(handMadeToken({ alg: 'HS256', typ }, {}), type === undefined ? {} : { type })).toBe(expected);
  });
});

describe('the key', () => {
  const signed = (algorithm: 'HS256' | 'HS512', key: KeyObject): string => compileSigner({ algorithm, key })({});

  it('is judged by the algorithm of the token', () => {
    const key = createSecretKey(Buffer.alloc(32, 1));
    const verify = compileVerifier({ algorithms: ['HS256', 'HS512'], key });
    expect(verify(signed('HS256', key), NOW).ok).toBe(true);
    expect(verify(signed('HS512', KEY), NOW)).toEqual({ ok: false, code: 'InsufficientKeyLength' });
  });

  it.each([
    ['RS256', ec.publicKey, 'WrongKeyType'],
    ['ES256', rsa.publicKey, 'WrongKeyType'],
    ['ES384', ec.publicKey, 'InvalidCurve'],
    ['RS256', KEY, 'WrongKeyType'],
    ['HS256', rsa.publicKey, 'WrongKeyType'],
  ] as const)('of %s that does not fit refuses the token, fixed or selected', (algorithm, key, expected) => {
    const token = `${encoded({ alg: algorithm })}.e30.AAAA`;
    expect(compileVerifier({ algorithms: [algorithm], key })(token, NOW)).toMatchObject({ code: expected });
    expect(compileVerifier({ algorithms: [algorithm], key: () => key })(token, NOW)).toMatchObject({ code: expected });
  });

  it('is selected by header, algorithm and context', () => {
    const verify = compileVerifier<{ readonly tenant: string }>({
      algorithms: ['HS256'],
      key: ({ kid }, algorithm, { tenant }) =>
        kid === 'k' && algorithm === 'HS256' && tenant === 't' ? KEY : refusal('NoMatchingPublicKey'),
    });
    const token = handMadeToken({ alg: 'HS256', kid: 'k' }, {});
    expect(verify(token, NOW, { tenant: 't' }).ok).toBe(true);
    expect(verify(token, NOW, { tenant: 'u' })).toEqual({ ok: false, code: 'NoMatchingPublicKey' });
  });

  it('can come from a key set', () => {
    const keys = [{ ...rsa.publicKey.export({ format: 'jwk' }), kid: 'a' }];
    const key = jwksSelectorFrom(JSON.stringify({ keys }));
    if (typeof key !== 'function') throw new Error(key.code);
    const verify = compileVerifier<void>({ algorithms: ['RS256', 'PS256'], key });
    const sign = (keyId: string): string => compileSigner({ algorithm: 'PS256', key: rsa.privateKey, keyId })({});
    expect(verify(sign('a'), NOW).ok).toBe(true);
    expect(verify(sign('b'), NOW)).toEqual({ ok: false, code: 'NoMatchingPublicKey' });
  });

  it('that is exchanged by the selector counts at once', () => {
    let key = KEY;
    const verify = compileVerifier({ algorithms: ['HS256'], key: () => key });
    const token = handMadeToken(GOOD_HEADER, {});
    expect(verify(token, NOW).ok).toBe(true);
    key = createSecretKey(Buffer.alloc(64, 8));
    expect(verify(token, NOW)).toEqual({ ok: false, code: 'InvalidSignature' });
  });
});

describe('the signature', () => {
  const signedWith = (alg: string, options: SignKeyObjectInput): string => {
    const input = `${encoded({ alg })}.e30`;
    return `${input}.${encoded(sign('sha256', Buffer.from(input), options))}`;
  };
  const withSalt = (saltLength: number): string =>
    signedWith('PS256', { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });

  it('of PS256 needs a salt as long as the digest', () => {
    const verify = compileVerifier({ algorithms: ['PS256'], key: rsa.publicKey });
    expect(verify(withSalt(32), NOW).ok).toBe(true);
    for (const saltBytes of [0, 20, 64]) {
      expect(verify(withSalt(saltBytes), NOW)).toEqual({ ok: false, code: 'InvalidSignature' });
    }
  });

  it('of ES256 is r and s side by side, not DER', () => {
    const verify = compileVerifier({ algorithms: ['ES256'], key: ec.publicKey });
    const asDer = signedWith('ES256', { key: ec.privateKey, dsaEncoding: 'der' });
    const asPair = signedWith('ES256', { key: ec.privateKey, dsaEncoding: 'ieee-p1363' });
    expect(verify(asPair, NOW).ok).toBe(true);
    expect(verify(asDer, NOW)).toEqual({ ok: false, code: 'InvalidSignature' });
  });

  it.each([
    ['zeros', Buffer.alloc(64)],
    ['r and s of 1', Buffer.from(`${'0'.repeat(63)}1${'0'.repeat(63)}1`, 'hex')],
  ])('of ES256 is not %s', (_what, signature) => {
    const verify = compileVerifier({ algorithms: ['ES256'], key: ec.publicKey });
    const token = `${encoded({ alg: 'ES256' })}.e30.${encoded(signature)}`;
    expect(verify(token, NOW)).toEqual({ ok: false, code: 'InvalidSignature' });
  });

  it('of PS256 is none of RS256, though the key is the same', () => {
    const verify = compileVerifier({ algorithms: ['RS256', 'PS256'], key: rsa.publicKey });
    const token = signedWith('RS256', {
      key: rsa.privateKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: 32,
    });
    expect(verify(token, NOW)).toEqual({ ok: false, code: 'InvalidSignature' });
  });
});

describe('iss and aud', () => {
  it.each([
    ['issuer', 'passes'],
    ['Issuer', 'ClaimMismatch'],
    ['issuer ', 'ClaimMismatch'],
    [undefined, 'ClaimMismatch'],
    [['issuer'], 'ClaimMismatch'],
    [null, 'ClaimMismatch'],
  ])('iss %j: %s', (iss, expected) => {
    expect(code(handMadeToken(GOOD_HEADER, { iss }), { issuer: 'issuer' })).toBe(expected);
  });

  it.each([
    ['a', 'passes'],
    [['a'], 'passes'],
    [['x', 'a'], 'passes'],
    [['x', 'b'], 'ClaimMismatch'],
    [[], 'ClaimMismatch'],
    [[['a']], 'ClaimMismatch'],
    ['abc', 'ClaimMismatch'],
    [{ a: 1 }, 'ClaimMismatch'],
    [undefined, 'ClaimMismatch'],
  ])('aud %j: %s', (aud, expected) => {
    expect(code(handMadeToken(GOOD_HEADER, { aud }), { audience: 'a' })).toBe(expected);
  });
});

describe('compileVerifier', () => {
  it('hands token, time and context to every check', () => {
    const seen: unknown[] = [];
    const verify = compileVerifier<string>({
      ...HS256,
      checks: [
        (jwt, nowSeconds, context) => {
          seen.push(jwt.claims['sub'], nowSeconds, context);
          return undefined;
        },
      ],
    });
    expect(verify(handMadeToken(GOOD_HEADER, { sub: 'alice' }), NOW, 'context').ok).toBe(true);
    expect(seen).toEqual(['alice', NOW, 'context']);
  });

  it('gives tokens with one header the same frozen header', () => {
    const verify = compileVerifier(HS256);
    const header = { ...GOOD_HEADER, extra: { list: [1] } };
    const headers = ['a', 'b'].map((sub) => {
      const result = verify(handMadeToken(header, { sub }), NOW);
      return result.ok ? result.jwt.header : undefined;
    });
    expect(headers[0]).toEqual(header);
    expect(headers[1]).toBe(headers[0]);
    expect(
      [headers[0], headers[0]?.['extra'], (headers[0]?.['extra'] as JsonObject)['list']].every(Object.isFrozen),
    ).toBe(true);
  });

  it('judges a header it has seen as it did before, however many others came between', () => {
    const verify = compileVerifier(HS256);
    const token = (n: number): string => handMadeToken({ ...GOOD_HEADER, n }, { n });
    for (let round = 0; round < 2; round += 1) {
      for (let n = 0; n < 200; n += 1)
        expect(verify(token(n), NOW)).toMatchObject({ ok: true, jwt: { header: { n } } });
    }
    const [header, payload] = token(199).split('.');
    expect(verify(`${header ?? ''}.${payload ?? ''}.AAAA`, NOW)).toEqual({ ok: false, code: 'InvalidSignature' });
  });

  it.each([
    ['no algorithm', []],
    ['an unknown algorithm', ['none']],
    ['HS with RS', ['HS256', 'RS256']],
    ['ES with PS', ['ES256', 'PS256']],
    ['ES with HS', ['ES256', 'HS256']],
  ])('throws a RangeError for %s', (_what, algorithms) => {
    expect(() => compileVerifier({ algorithms: algorithms as 'HS256'[], key: KEY })).toThrow(RangeError);
  });

  it('allows RS and PS side by side, and repetitions', () => {
    expect(() => compileVerifier({ algorithms: ['RS256', 'PS512', 'RS256'], key: rsa.publicKey })).not.toThrow();
  });

  it('throws a RangeError for an allowance that is no number of seconds', () => {
    expect(() => compileVerifier({ ...HS256, timeAllowanceSeconds: -1 })).toThrow(RangeError);
  });
});

describe('refusal', () => {
  it('gives the same frozen object for a code without detail', () => {
    expect(refusal('TokenExpired')).toBe(refusal('TokenExpired'));
    expect(Object.isFrozen(refusal('TokenExpired'))).toBe(true);
    expect(Object.isFrozen(refusal('ClaimMismatch', { claim: 'sub' }))).toBe(true);
  });
});
