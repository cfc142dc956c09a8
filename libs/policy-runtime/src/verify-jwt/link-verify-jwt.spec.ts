import type { LinkOptions } from '../linking/link-context.ts';
import { exchangeFor, linked, NOW_MS, NOW_SECONDS, placed, routeOf, type ArtifactParts } from '../testing/artifacts.ts';
import { judge, outcomeOf, RS256_POLICY as RS256, SIGNER as rsa, tokenWith } from '../testing/judge-token.ts';
import { makeToken, rsaPair } from '../testing/token-maker.ts';

const SECRET = '0123456789abcdef0123456789abcdef';

describe('references that cannot be resolved', () => {
  const element = { ref: 'v' };
  // verify-jwt.md 2.4, one line per row: strict, then with ignoreUnresolvedVariables.
  it.each([
    ['issuer', { issuer: element }, 'FailedToResolveVariable: variable(v)', 'JwtIssuerMismatch: claim(iss)'],
    ['subject', { subject: element }, 'FailedToResolveVariable: variable(v)', 'JwtSubjectMismatch: claim(sub)'],
    ['audience', { audience: element }, 'FailedToResolveVariable: variable(v)', 'JwtAudienceMismatch: claim(aud)'],
    ['id', { id: element }, 'FailedToResolveVariable: variable(v)', 'InvalidClaim: claim(jti)'],
    [
      'claim',
      { additionalClaims: [{ name: 'sub2', ref: 'v' }] },
      'FailedToResolveVariable: variable(v)',
      'InvalidClaim: claim(sub2)',
    ],
    ['public key', { publicKey: { value: element } }, 'FailedToResolveVariable: variable(v)', 'InvalidPublicKey: '],
    [
      'certificate',
      { publicKey: { certificate: element } },
      'FailedToResolveVariable: variable(v)',
      'InvalidPublicKey: ',
    ],
    ['jwks', { publicKey: { jwks: element } }, 'FailedToResolveVariable: variable(v)', 'InvalidKeyConfiguration: '],
    ['allowance', { timeAllowance: element }, 'FailedToResolveVariable: variable(v)', 'pass'],
    ['lifespan', { maxLifespan: element }, 'FailedToResolveVariable: variable(v)', 'InvalidClaim: claim(exp)'],
    ['known headers', { knownHeaders: element }, 'FailedToResolveVariable: variable(v)', 'pass'],
    ['required claims', { requiredClaims: element }, 'FailedToResolveVariable: variable(v)', 'pass'],
    ['whole object', { additionalClaims: element }, 'FailedToResolveVariable: variable(v)', 'pass'],
    ['source', { source: 'v' }, 'FailedToResolveVariable: variable(v)', 'FailedToResolveVariable: variable(v)'],
  ])('%s', async (_name, policy, strict, ignoring) => {
    const payload = { sub: 'a', iss: 'b', aud: 'c', jti: 'd', sub2: 'e' };
    expect(await outcomeOf({ policy, payload })).toBe(strict);
    expect(await outcomeOf({ policy: { ...policy, ignoreUnresolvedVariables: true }, payload })).toBe(ignoring);
  });

  it.each([
    ['required claims', { requiredClaims: { ref: 'v' } }],
    ['a whole object', { additionalClaims: { ref: 'v' } }],
    ['headers', { additionalHeaders: { ref: 'v' } }],
  ])('are told of when %s demand nothing because of that', async (_name, policy) => {
    const ignored: unknown[] = [];
    const options: Partial<LinkOptions> = { onIgnored: (what) => ignored.push(what) };
    const ignoring = { ...policy, ignoreUnresolvedVariables: true };

    expect(await outcomeOf({ policy, options })).toBe('FailedToResolveVariable: variable(v)');
    expect(await outcomeOf({ policy: ignoring, options, set: { v: '{}' } })).not.toContain('variable');
    expect(ignored).toEqual([]);
    expect(await outcomeOf({ policy: ignoring, options })).toBe('pass');
    expect(ignored).toEqual([{ policy: 'P', reference: 'v' }]);
  });

  it('fails any critical header while the list of known ones is unresolved', async () => {
    const header = { crit: ['a'], a: 1 };
    const policy = { knownHeaders: { ref: 'v' } };
    expect(await outcomeOf({ policy, header })).toBe('FailedToResolveVariable: variable(v)');
    expect(await outcomeOf({ policy: { ...policy, ignoreUnresolvedVariables: true }, header })).toBe(
      'UnhandledCriticalHeader: header(a)',
    );
    expect(await outcomeOf({ policy, header, set: { v: 'x, a' } })).toBe('pass');
    expect(await outcomeOf({ policy: { knownHeaders: 'x', timeAllowance: { ref: 'v' } }, header })).toBe(
      'UnhandledCriticalHeader: header(a)',
    );
  });

  it('prefers the variable, then the text, also when the variable is empty', async () => {
    const policy = { issuer: { ref: 'v', value: 'text' } };
    expect(await outcomeOf({ policy, payload: { iss: 'var' }, set: { v: 'var' } })).toBe('pass');
    expect(await outcomeOf({ policy, payload: { iss: 'text' }, set: { v: 'var' } })).toBe(
      'JwtIssuerMismatch: claim(iss)',
    );
    expect(await outcomeOf({ policy, payload: { iss: 'text' }, set: { v: '' } })).toBe('pass');
    expect(await outcomeOf({ policy, payload: { iss: 'text' }, environment: { v: '' } })).toBe('pass');
    expect(await outcomeOf({ policy, payload: { iss: 'env' }, environment: { v: 'env' } })).toBe('pass');
  });

  it('resolves every variable before it compares any claim', async () => {
    const policy = { subject: 'alice', id: { ref: 'v' } };
    expect(await outcomeOf({ policy, payload: { sub: 'bob' } })).toBe('FailedToResolveVariable: variable(v)');
  });
});

describe('the order of checks', () => {
  const wrongEverything = { exp: NOW_SECONDS - 1, sub: 'x', iss: 'x', aud: 'x' };
  const policy = { subject: 's', issuer: 'i', audience: 'a', id: 'j', requiredClaims: 'r' };
  it.each([
    [wrongEverything, 'TokenExpired: '],
    [{ sub: 'x', iss: 'x' }, 'JwtSubjectMismatch: claim(sub)'],
    [{ sub: 's', iss: 'x', aud: 'x' }, 'JwtIssuerMismatch: claim(iss)'],
    [{ sub: 's', iss: 'i', aud: 'x' }, 'JwtAudienceMismatch: claim(aud)'],
    [{ sub: 's', iss: 'i', aud: 'a', jti: 'x' }, 'InvalidClaim: claim(jti)'],
    [{ sub: 's', iss: 'i', aud: 'a', jti: 'j' }, 'InvalidClaim: claim(r)'],
    [{ sub: 's', iss: 'i', aud: 'a', jti: 'j', r: null }, 'pass'],
  ])('%j is %s', async (payload, expected) => {
    expect(await outcomeOf({ policy, payload })).toBe(expected);
  });

  it('never looks at a key for an algorithm that is not configured', async () => {
    const token = makeToken({ header: { alg: 'HS256' }, payload: {}, algorithm: 'HS256', key: rsa.publicPem });
    expect(await outcomeOf({ policy: { publicKey: { value: { ref: 'unset' } } }, token })).toBe(
      'AlgorithmMismatch: algorithm(HS256)',
    );
  });
});

describe('registered claims', () => {
  it.each([
    ['a,b', ['a,b'], true],
    ['a,b', ['b', 'c', 'a'], true],
    ['a, b', ['a', 'b'], true],
    ['a,b', ['a'], false],
    ['a,b', 'a', false],
    ['a', 'A', false],
    ['a', ['a'], true],
    ['a,', ['a'], false],
  ])('audience %j on %j: %s', async (audience, aud, passes) => {
    expect(await outcomeOf({ policy: { audience }, payload: { aud } })).toBe(
      passes ? 'pass' : 'JwtAudienceMismatch: claim(aud)',
    );
  });

  it('answers InvalidClaim for them when observed codes are wanted', async () => {
    for (const [policy, claim] of [[{ issuer: 'i' }, 'iss'] as const, [{ subject: 's' }, 'sub'] as const]) {
      const { fault } = await judge({ policy, payload: {} }, 'observed');
      expect(fault?.reason).toBe(`Invalid Claim: policy(P) claim(${claim})`);
    }
  });
});

describe('additional claims and headers', () => {
  const claim = (member: object) => ({ additionalClaims: [{ name: 'c', ...member }] });
  it.each([
    [{ value: 'x' }, 'x', true],
    [{ value: 'x' }, 'X', false],
    [{ value: '7' }, 7, true],
    [{ value: '{"a":1}' }, { a: 1 }, true],
    [{}, '', true],
    [{ value: '1.0', type: 'number' }, 1, true],
    [{ value: 'abc', type: 'number' }, 1, false],
    [{ value: '1', type: 'number' }, true, false],
    [{ value: 'TRUE', type: 'boolean' }, true, true],
    [{ value: 'true', type: 'boolean' }, 'true', false],
    [{ value: '[1]', type: 'map' }, [1], false],
    [{ value: '{"a":[1,2]}', type: 'map' }, { a: [2, 1] }, false],
    [{ value: '{"a":1}', type: 'map' }, { a: 1, b: 2 }, false],
    [{ value: '1,2', type: 'number', array: true }, [1, 2], true],
    [{ value: '1,2', type: 'number', array: true }, ['1', '2'], false],
    [{ value: 'a,b', array: true }, ['a', 'b', 'c'], false],
    [{ value: 'a', array: true }, 'a', false],
    [{ value: '[{"a":1},{"b":2}]', type: 'map', array: true }, [{ a: 1 }, { b: 2 }], true],
  ])('%j on %j: %s', async (member, actual, passes) => {
    expect(await outcomeOf({ policy: claim(member), payload: { c: actual } })).toBe(
      passes ? 'pass' : 'InvalidClaim: claim(c)',
    );
  });

  it('takes an array from a variable as JSON or as a comma list', async () => {
    const policy = claim({ ref: 'v', array: true });
    for (const v of ['["a","b"]', 'a, b']) {
      expect(await outcomeOf({ policy, payload: { c: ['a', 'b'] }, set: { v } })).toBe('pass');
      expect(await outcomeOf({ policy, payload: { c: ['b', 'a'] }, set: { v } })).toBe('InvalidClaim: claim(c)');
    }
  });

  it('compares a whole object deeply, types included, and both ref and claims apply', async () => {
    const policy = { additionalClaims: { ref: 'o', claims: [{ name: 'c', value: 'x' }] } };
    const set = { o: '{"sub":"alice","n":1}' };
    expect(await outcomeOf({ policy, payload: { sub: 'alice', n: 1, c: 'x' }, set })).toBe('pass');
    expect(await outcomeOf({ policy, payload: { sub: 'alice', n: '1', c: 'x' }, set })).toBe('InvalidClaim: claim(n)');
    expect(await outcomeOf({ policy, payload: { sub: 'alice', n: 1 }, set })).toBe('InvalidClaim: claim(c)');
    expect(await outcomeOf({ policy, payload: { c: 'x' }, set: { o: '[]' } })).toBe('InvalidClaim: claim(o)');
    expect(await outcomeOf({ policy, payload: { c: 'x' }, set: { o: '{"__proto__":{}}' } })).toBe(
      'InvalidClaim: claim(__proto__)',
    );
  });

  it('reports a header’s mismatch as InvalidClaim, also one that is called like a registered claim', async () => {
    const policy = { additionalHeaders: [{ name: 'iss', value: 'a' }] };
    expect(await outcomeOf({ policy, header: { iss: 'a' } })).toBe('pass');
    expect(await outcomeOf({ policy, header: { iss: 'b' } })).toBe('InvalidClaim: claim(iss)');
  });
});

describe('settings behind variables', () => {
  it('takes the allowance of each request, and publishes is_expired by it', async () => {
    const policy = { timeAllowance: { ref: 'v' } };
    const payload = { exp: NOW_SECONDS - 20 };
    expect(await outcomeOf({ policy, payload, set: { v: '30s' } })).toBe('pass');
    expect(await outcomeOf({ policy, payload, set: { v: '10s' } })).toBe('TokenExpired: ');
    const { exchange } = await judge({ policy, payload, set: { v: '30s' } });
    expect(exchange.variable('jwt.P.is_expired')).toBe(false);
  });

  it('falls back to the text when the variable holds no time span, else the configuration is invalid', async () => {
    const payload = { exp: NOW_SECONDS - 20 };
    expect(await outcomeOf({ policy: { timeAllowance: { ref: 'v', value: '30s' } }, payload, set: { v: 'x' } })).toBe(
      'pass',
    );
    expect(await outcomeOf({ policy: { timeAllowance: { ref: 'v' } }, set: { v: '30' } })).toBe(
      'InvalidConfiguration: ',
    );
    expect(await outcomeOf({ policy: { maxLifespan: { ref: 'v' } }, environment: { v: 'x' } })).toBe(
      'InvalidConfiguration: ',
    );
  });

  it('takes the lifespan from an environment variable', async () => {
    const policy = { maxLifespan: { ref: 'v', useIssueTime: true } };
    const payload = { iat: NOW_SECONDS, exp: NOW_SECONDS + 100 };
    expect(await outcomeOf({ policy, payload, environment: { v: '100s' } })).toBe('pass');
    expect(await outcomeOf({ policy, payload, environment: { v: '99s' } })).toBe('InvalidClaim: claim(exp)');
  });
});

describe('keys behind variables', () => {
  it('parses a key that another policy set, text by text', async () => {
    const other = rsaPair();
    const policy = { publicKey: { value: { ref: 'flow.key' } } };
    expect(await outcomeOf({ policy, set: { 'flow.key': rsa.publicPem } })).toBe('pass');
    expect(await outcomeOf({ policy, set: { 'flow.key': other.publicPem } })).toBe('InvalidToken: ');
    expect(await outcomeOf({ policy, set: { 'flow.key': ' ' } })).toBe('InvalidPublicKey: ');
    expect(await outcomeOf({ policy, set: { 'flow.key': 'hello' } })).toBe('KeyParsingFailed: ');
  });

  it('refuses at run time what an environment variable holds wrong, and links all the same', async () => {
    const policy = { publicKey: { certificate: { ref: 'public.cert' } } };
    expect(await outcomeOf({ policy, environment: { 'public.cert': rsa.publicPem } })).toBe('KeyParsingFailed: ');
  });

  it('decodes a secret as the policy says', async () => {
    const token = makeToken({ header: { alg: 'HS256' }, payload: {}, algorithm: 'HS256', key: SECRET });
    const hs = (encoding: string) => ({
      algorithm: 'HS256',
      publicKey: null,
      secretKey: { ref: 'private.k', encoding },
    });
    for (const [encoding, text] of [
      ['base64', Buffer.from(SECRET).toString('base64')],
      ['base64url', Buffer.from(SECRET).toString('base64url')],
      ['base16', Buffer.from(SECRET).toString('hex').toUpperCase()],
    ] as const) {
      expect(await outcomeOf({ policy: hs(encoding), token, environment: { 'private.k': text } })).toBe('pass');
    }
    expect(await outcomeOf({ policy: hs('base64'), token, environment: { 'private.k': '%%%' } })).toBe(
      'InvalidSecretKey: ',
    );
  });

  it('never puts a secret or the token into a fault', async () => {
    const policy = { algorithm: 'HS512', publicKey: null, secretKey: { ref: 'private.k' } };
    const token = makeToken({ header: { alg: 'HS512' }, payload: { sub: 'alice' }, algorithm: 'HS512', key: SECRET });
    const { fault } = await judge({ policy, token, environment: { 'private.k': SECRET } });
    expect(fault?.name).toBe('InsufficientKeyLength');
    expect(JSON.stringify(fault)).not.toContain(SECRET);
    expect(JSON.stringify(fault)).not.toContain(token.slice(0, 20));
  });

  it('cuts what it echoes of a token', async () => {
    const { fault } = await judge({ token: tokenWith({}, { alg: 'X'.repeat(5000) }) });
    expect(fault?.name).toBe('AlgorithmMismatch');
    expect(fault?.body.length).toBeLessThan(400);
  });
});

describe('what a run leaves behind', () => {
  const bad = makeToken({
    header: { alg: 'RS256' },
    payload: { sub: 'mallory' },
    algorithm: 'RS256',
    key: rsaPair().privateKey,
  });
  const two = (first: object, second: object): ArtifactParts => ({
    request: [placed('A', { ...RS256, ...first }), placed('B', { ...RS256, ...second })],
  });

  it('publishes nothing of a token whose signature failed', async () => {
    const { exchange } = await judge({ token: bad });
    for (const name of ['claim.sub', 'payload-json', 'header.alg']) {
      expect(exchange.variable(`jwt.P.${name}`)).toBeUndefined();
    }
    expect(exchange.variable('jwt.P.failed')).toBe(true);
  });

  it('publishes a token whose claims failed', async () => {
    const { exchange, fault } = await judge({ policy: { issuer: 'x' }, payload: { sub: 'alice' } });
    expect(fault?.name).toBe('JwtIssuerMismatch');
    expect(exchange.variable('jwt.P.claim.sub')).toBe('alice');
    expect(exchange.variable('jwt.P.valid')).toBe(false);
    expect(exchange.variable('error.message')).toBe(fault?.reason);
    expect(exchange.variable('error.content')).toBe(fault?.body);
    expect(exchange.variable('error.status.code')).toBe(401);
  });

  it('lets a later policy read an earlier one’s claims, and a later success reset JWT.failed', async () => {
    const first = { continueOnError: true, issuer: 'x' };
    const proxy = linked(two(first, { subject: { ref: 'jwt.A.claim.sub' } }));
    const exchange = exchangeFor(proxy, { headers: { Authorization: `Bearer ${tokenWith({ sub: 'alice' })}` } });
    expect(await routeOf(proxy).runRequest(exchange, NOW_MS)).toBeUndefined();
    expect(exchange.variable('JWT.failed')).toBe(false);
    expect(exchange.variable('jwt.A.failed')).toBe(true);
  });

  it('takes its token from another policy’s claim', async () => {
    const proxy = linked(two({}, { source: 'jwt.A.claim.inner' }));
    const token = tokenWith({ inner: tokenWith({ sub: 'inside' }) });
    const exchange = exchangeFor(proxy, { headers: { Authorization: `Bearer ${token}` } });
    expect(await routeOf(proxy).runRequest(exchange, NOW_MS)).toBeUndefined();
    expect(exchange.variable('jwt.B.claim.sub')).toBe('inside');
  });

  it('runs synchronously', () => {
    const proxy = linked(two({}, {}));
    const exchange = exchangeFor(proxy, {});
    expect(routeOf(proxy).runRequest(exchange, NOW_MS)).toMatchObject({ name: 'FailedToResolveVariable' });
  });

  it('refuses with UnknownException when something unforeseen happens, and never lets the token pass', async () => {
    const proxy = linked({ request: [placed('P', { ...RS256, source: 'flow.token' })] });
    const exchange = exchangeFor(proxy, {});
    exchange.setVariable('flow.token', Object.freeze({ join: null }) as unknown as string[]);
    const fault = await routeOf(proxy).runRequest(exchange, NOW_MS);
    expect(fault).toMatchObject({ status: 401, name: 'UnknownException' });
    expect(fault?.body).not.toContain('TypeError');
  });
});
