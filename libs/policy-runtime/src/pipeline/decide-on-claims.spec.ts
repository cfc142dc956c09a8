import { exchangeFor, linked, NOW_MS, NOW_SECONDS, placed, routeOf } from '../testing/artifacts.ts';
import { makeToken } from '../testing/token-maker.ts';

const SECRET = '0123456789abcdef0123456789abcdef';
const VARIABLES = { 'private.key': SECRET, 'private.upstream-password': 'pa55' };

const verify = (name: string, members: object = {}) =>
  placed(name, {
    ...{ type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.key' }, continueOnError: true },
    ...members,
  });
const deny = (condition: string, payload = '') =>
  placed('Deny', { type: 'policy-raise-fault', statusCode: 403, condition, payload });

const tokenOf = (payload: object | string, key = SECRET): string =>
  makeToken({ header: { alg: 'HS256', kid: 'k1' }, payload, algorithm: 'HS256', key });

async function run(policies: Parameters<typeof linked>[0]['request'], token: string | undefined, other?: string) {
  const proxy = linked({ request: policies ?? [], variables: VARIABLES });
  const exchange = exchangeFor(proxy, {
    headers: {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(other === undefined ? {} : { 'X-Other': other }),
      'X-Role': 'admin, from the client',
    },
  });
  return { exchange, fault: await routeOf(proxy).runRequest(exchange, NOW_MS) };
}

describe('a flow that decides on what VerifyJWT found', () => {
  const NOT_ADMIN = 'jwt.P.valid = false or jwt.P.claim.role != "admin"';
  const PAYLOAD =
    '{"denied":"{escapeJSON(jwt.P.claim.role)}","sub":"{jwt.P.decoded.claim.sub:nobody}","why":"{jwt.P.error}"}';

  it.each([
    ['admin', undefined],
    ['us"er', '{"denied":"us\\"er","sub":"alice","why":""}'],
  ])('lets only one role pass: %s', async (role, body) => {
    const { fault } = await run([verify('P'), deny(NOT_ADMIN, PAYLOAD)], tokenOf({ sub: 'alice', role }));
    expect(fault?.body).toBe(body);
    expect(fault?.status).toBe(body === undefined ? undefined : 403);
    expect(fault?.name).toBe(body === undefined ? undefined : 'RaiseFault');
  });

  it('shows no claim of a token that was not signed by whom it should be', async () => {
    const forged = tokenOf({ sub: 'alice', role: 'admin' }, 'x'.repeat(32));
    const { fault } = await run([verify('P'), deny(NOT_ADMIN, PAYLOAD)], forged);
    expect(fault?.body).toBe('{"denied":"","sub":"nobody","why":"Invalid token: policy(P)"}');
  });

  it('reads lists, numbers and dates of a claim', async () => {
    const payload = `{"scope":["read","write"],"limit":12345678901234567890,"level":10.0,"exp":${NOW_SECONDS + 60}}`;
    const holds = async (condition: string) =>
      (await run([verify('P'), deny(condition)], tokenOf(payload))).fault?.status === 403;
    expect(await holds('jwt.P.decoded.claim.scope Matches "*write*"')).toBe(true);
    expect(await holds('jwt.P.decoded.claim.scope Matches "*delete*"')).toBe(false);
    expect(await holds('jwt.P.decoded.claim.scope =| "["')).toBe(true);
    expect(await holds('jwt.P.claim.limit = 12345678901234567890')).toBe(true);
    expect(await holds('jwt.P.claim.limit = 12345678901234567891')).toBe(false);
    expect(await holds('jwt.P.claim.limit < 12345678901234567891')).toBe(true);
    expect(await holds('jwt.P.claim.level > 9')).toBe(true);
    expect(await holds('jwt.P.claim.level = 10 and jwt.P.claim.level = "10.0" and jwt.P.claim.level != "10"')).toBe(
      true,
    );
    expect(await holds('jwt.P.seconds_remaining <= 60 and jwt.P.seconds_remaining > 59')).toBe(true);
  });
});

describe('what a failure leaves behind', () => {
  // verify-jwt.md 6.2, literally: each is to hold after a failure.
  it.each([
    'jwt.X.valid is false',
    'jwt.X.valid == false',
    'JWT.failed = true',
    'JWT.failed = "true"',
    'JWT.failed == "true"',
    'JWT.failed Equals true',
    '(JWT.failed = true) Or (jwt.Verify-JWT-1.is_expired = true)',
    'JWT.failed=true',
    'jwt.X.failed = true',
    'jwt.X.error IsNot null',
    'jwt.X.error Equals "The Token has expired: policy(X)"',
    'fault.name Matches "TokenExpired"',
    'jwt.X.is_expired = true and jwt.X.seconds_remaining = -1',
  ])('%s', async (condition) => {
    const expired = tokenOf({ exp: NOW_SECONDS - 1 });
    expect((await run([verify('X'), deny(condition)], expired)).fault?.status).toBe(403);
    expect((await run([verify('X'), deny(condition)], tokenOf({ exp: NOW_SECONDS + 1 }))).fault).toBeUndefined();
  });

  it('is the same without continueOnError, and the fault goes out', async () => {
    const { exchange, fault } = await run(
      [verify('X', { continueOnError: false }), deny('JWT.failed = true')],
      tokenOf({ exp: NOW_SECONDS - 1 }),
    );
    expect(fault).toMatchObject({ status: 401, name: 'TokenExpired', policy: 'X' });
    const names = ['JWT.failed', 'jwt.X.failed', 'jwt.X.valid', 'jwt.X.error', 'fault.name', 'error.message'];
    expect(names.map((name) => exchange.variable(name))).toEqual([
      ...[true, true, false, 'The Token has expired: policy(X)', 'TokenExpired', 'The Token has expired: policy(X)'],
    ]);
    expect(exchange.variable('error.status.code')).toBe(401);
  });

  it('is taken back in JWT.failed by a later success, and stays under the name of its own policy', async () => {
    const later = verify('Later', { source: 'request.header.x-other' });
    const { exchange } = await run([verify('X'), later], tokenOf({ exp: 1 }), tokenOf({}));
    const names = ['JWT.failed', 'jwt.X.failed', 'jwt.X.valid', 'jwt.Later.failed', 'jwt.Later.valid', 'fault.name'];
    expect(names.map((name) => exchange.variable(name))).toEqual([false, true, false, false, true, 'TokenExpired']);
  });

  it('is nothing where the policy did not run', async () => {
    const { exchange } = await run([verify('X', { active: false }), verify('Y', { condition: 'false' })], tokenOf({}));
    const names = ['JWT.failed', 'jwt.X.valid', 'jwt.X.is_expired', 'jwt.Y.valid', 'jwt.Y.claim.sub'];
    expect(names.map((name) => exchange.variable(name))).toEqual(names.map(() => undefined));
  });
});

describe('forwardVariables', () => {
  const forwardVariables = [
    { variable: 'jwt.P.claim.role', header: 'X-Role' },
    { variable: 'jwt.P.decoded.claim.limit', header: 'X-Limit' },
    { variable: 'jwt.P.is_expired', header: 'X-Expired' },
    { variable: 'jwt.P.error', header: 'X-Error' },
  ];
  const headersOf = async (token: string | undefined) => {
    const { exchange, fault } = await run([verify('P', { forwardVariables })], token);
    expect(fault).toBeUndefined();
    return Object.fromEntries(exchange.upstreamHeaders);
  };
  const CLAIMS = '{"role":"reader","limit":12345678901234567890';

  it('sends what was found, digits and all, and nothing that the client sent', async () => {
    expect(await headersOf(tokenOf(`${CLAIMS}}`))).toEqual({
      ...{ 'x-role': 'reader', 'x-limit': '12345678901234567890', 'x-expired': 'false', 'x-error': undefined },
    });
  });

  it('sends what is set after a failure that lets the flow go on', async () => {
    expect(await headersOf(tokenOf(`${CLAIMS},"exp":1}`))).toEqual({
      ...{ 'x-role': 'reader', 'x-limit': '12345678901234567890', 'x-expired': 'true' },
      'x-error': 'The Token has expired: policy(P)',
    });
    const nothing = { 'x-role': undefined, 'x-limit': undefined, 'x-expired': undefined };
    expect(await headersOf(undefined)).toEqual({
      ...nothing,
      'x-error': 'Failed to Resolve Variable : policy(P) variable(null)',
    });
    expect(await headersOf(tokenOf(`${CLAIMS}}`, 'x'.repeat(32)))).toEqual({
      ...nothing,
      'x-error': 'Invalid token: policy(P)',
    });
  });

  it('may send a private variable to the upstream, whose password it may be; conditions may read one', async () => {
    const secret = [{ variable: 'private.upstream-password', header: 'X-Password' }];
    const policies = [verify('P', { forwardVariables: secret }), deny('private.upstream-password = "other"', 'no')];
    const { exchange, fault } = await run(policies, tokenOf({}));
    expect(exchange.upstreamHeaders.get('x-password')).toBe('pa55');
    expect(fault).toBeUndefined();
  });
});
