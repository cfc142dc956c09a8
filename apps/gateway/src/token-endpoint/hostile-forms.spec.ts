import fc from 'fast-check';
import { OAUTH_ERROR_STATUS } from './protocol/oauth-refusal.ts';
import { basic, CLIENT, TokenService, USER } from './testing/token-service.ts';

const FORM_TYPE = ['Content-Type', 'application/x-www-form-urlencoded'];
const PATHS = ['jwt', 'introspect', 'revoke'].flatMap((name) => [`/auth/${name}`, `/credential/${name}`]);
const NAMES = [
  ...['grant_type', 'client_id', 'client_secret', 'username', 'password', 'refresh_token', 'scope', 'token'],
  ...['token_type_hint', 'resource', '__proto__', 'constructor', 'toString', ''],
];
/** RFC 6749 section 5.2: what an `error_description` may hold. */
const DESCRIPTION = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;
const KNOWN_STATUSES: ReadonlySet<number> = new Set([...Object.values(OAUTH_ERROR_STATUS), 404, 405, 413, 429]);

type Answer = Awaited<ReturnType<TokenService['send']>>;

/** Throws unless the answer is one that an OAuth client can read, and no fault of the gateway. */
function expectWellFormed(answer: Answer, service: TokenService): void {
  const headers = Object.fromEntries(answer.headers);
  expect(service.unexpected).toEqual([]);
  expect(headers).toMatchObject({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
  for (const [name, value] of answer.headers) expect(`${name}: ${value}`).toMatch(/^[\x20-\x7e]+$/);
  if (answer.status === 200) {
    if (answer.body !== '') expect(typeof JSON.parse(answer.body)).toBe('object');
    return;
  }
  expect(KNOWN_STATUSES.has(answer.status) && answer.status !== 500).toBe(true);
  const body = JSON.parse(answer.body) as Record<string, unknown>;
  expect(Object.keys(body).sort()).toEqual(['error', 'error_description']);
  expect(Object.hasOwn(OAUTH_ERROR_STATUS, String(body['error']))).toBe(true);
  expect(body['error_description']).toMatch(DESCRIPTION);
}

const likelyValue = fc.constantFrom(
  ...['password', 'client_credentials', 'refresh_token', CLIENT.id, CLIENT.secret, USER.name, USER.password],
  ...['read', '-', 'shop/orders', '\0', '__proto__', '💥', '../../x', 'urn:gatewarden:shop/orders', 'a.b.c'],
);
const anyValue = fc.oneof(likelyValue, fc.string({ unit: 'binary', maxLength: 40 }));
const encoded = anyValue.map((text) => new URLSearchParams({ x: text }).toString().slice(2));
const rawPart = fc.oneof(encoded, fc.constantFrom('%', '%ff', '%ED%A0%80', '%00', '+', '=', '%3D', '"<>'));
const pair = fc.tuple(fc.constantFrom(...NAMES), rawPart).map(([name, value]) => `${name}=${value}`);
const anyForm = fc.oneof(
  fc.array(pair, { maxLength: 10 }).map((pairs) => pairs.join('&')),
  fc.uniqueArray(pair, { maxLength: 10, selector: (text) => text.split('=')[0] }).map((pairs) => pairs.join('&')),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);
const anyHeaders = fc.oneof(
  fc.constant(FORM_TYPE),
  fc.constantFrom(
    [...FORM_TYPE, 'Authorization', basic(CLIENT.id, CLIENT.secret)],
    [...FORM_TYPE, 'Authorization', basic(USER.name, USER.password), 'Origin', 'null'],
    [...FORM_TYPE, 'Authorization', `Basic ${'A'.repeat(9_000)}`],
    [...FORM_TYPE, 'Authorization', 'Bearer x', 'Authorization', 'Basic eDp5'],
    [],
  ),
);
const anyMethod = fc.constantFrom('POST', 'POST', 'POST', 'GET', 'HEAD', 'OPTIONS', 'PATCH');

describe('whatever is sent to a token service', () => {
  it('is answered in the form of OAuth and never with a fault of the gateway', async () => {
    const service = new TokenService(
      { allowUrlParameters: true },
      { loginLimits: { failuresPerName: 0, failuresPerAddress: 0 } },
    );
    const sent = fc.record({ path: fc.constantFrom(...PATHS), method: anyMethod, headers: anyHeaders, form: anyForm });
    await fc.assert(
      fc.asyncProperty(sent, async ({ path, method, headers, form }) => {
        const parts = method === 'GET' ? { query: form } : { body: Buffer.from(form, 'latin1') };
        expectWellFormed(await service.send({ path, method, headers, ...parts }), service);
      }),
      { numRuns: 400 },
    );
  });

  it.each(PATHS)('is well answered at %s when it is huge, many or strange', async (path) => {
    const service = new TokenService();
    const client = `client_id=${CLIENT.id}&client_secret=${encodeURIComponent(CLIENT.secret)}`;
    const bodies = [
      `${client}&token=${'x'.repeat(64_000)}`,
      `${client}&${Array.from({ length: 10_000 }, (_, at) => `p${at}`).join('&')}&token=x`,
      `${client}&token=%00%00&__proto__=x&constructor=y`,
      `${client}&token=%ED%A0%80`,
      `__proto__=x&${client}&grant_type=__proto__`,
      '&'.repeat(60_000),
      `token=${'.'.repeat(60_000)}&${client}`,
      `${client}&token=${'a.'.repeat(30_000)}`,
      'x'.repeat(65_537),
    ];
    for (const body of bodies) expectWellFormed(await service.send({ path, body }), service);
  });
});
