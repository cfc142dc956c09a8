import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { METADATA, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

const AT = '/projects/shop/apiProxies/orders/policies';
const QUERY = '?targetScope=ALL&targetPipeline=REQUEST&deploy=false';

let plane: RunningControlPlane;

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
  const policy = { type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.k' } };
  await plane.done('POST', `${AT}/kept/`, { operationMetadata: METADATA, policy });
});
afterAll(() => plane.close());

const SECRET = `s3cret-${randomBytes(24).toString('hex')}`;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const PEM_LINE = PEM.split('\n')[1] ?? '';
const JWK = privateKey.export({ format: 'jwk' });
const PRIVATE_SET = JSON.stringify({ keys: [{ ...JWK, kid: 'k' }] });

const ENCRYPTED = { algorithms: { key: 'RSA-OAEP-256' } };
/** Wherever somebody may write a secret that belongs into a variable, and where one cannot belong at all. */
const MEMBERS: readonly object[] = [
  { algorithm: 'HS256', secretKey: { value: SECRET } },
  { algorithm: 'HS256', secretKey: SECRET },
  { algorithm: 'HS256', secretKey: { ref: 'private.k', encoding: SECRET } },
  { algorithm: 'HS256', secretKey: { ref: SECRET } },
  { algorithm: 'HS256', secretKey: { ref: 'private.k', id: SECRET } },
  { ...ENCRYPTED, privateKey: { value: PEM } },
  { ...ENCRYPTED, privateKey: { ref: PEM } },
  { ...ENCRYPTED, privateKey: { ref: 'private.k', password: SECRET } },
  { ...ENCRYPTED, privateKey: { ref: 'private.k', passwordRef: SECRET } },
  { algorithms: { key: 'PBES2-HS256+A128KW' }, passwordKey: { value: SECRET } },
  { algorithms: { key: 'PBES2-HS256+A128KW' }, passwordKey: { ref: 'private.k', saltLength: SECRET } },
  { algorithms: { key: 'dir' }, directKey: { value: SECRET } },
  { algorithm: SECRET, publicKey: { value: PEM } },
  { algorithm: 'ES256', publicKey: { value: PEM } },
  { algorithm: 'ES256', publicKey: { jwks: PRIVATE_SET } },
  { algorithm: 'ES256', publicKey: { jwks: { uri: `https://user:${SECRET}@idp.example.org/jwks` } } },
  { algorithm: 'ES256', publicKey: { jwks: { uri: SECRET } } },
];
const HS = '<Algorithm>HS256</Algorithm>';
const RSA_OAEP = '<Algorithms><Key>RSA-OAEP-256</Key></Algorithms>';
const DOCUMENTS: readonly string[] = [
  `${HS}<SecretKey><Value>${SECRET}</Value></SecretKey>`,
  `${HS}<SecretKey>${SECRET}</SecretKey>`,
  `${HS}<SecretKey encoding="${SECRET}"><Value ref="private.k"/></SecretKey>`,
  `${HS}<SecretKey><Value ref="${SECRET}"/></SecretKey>`,
  `${HS}<SecretKey><Value ref="private.k"/><Id>${SECRET}</Id></SecretKey>`,
  `${HS}<SecretKeys>${SECRET}</SecretKeys>`,
  `${RSA_OAEP}<PrivateKey><Value>${PEM}</Value></PrivateKey>`,
  `${RSA_OAEP}<PrivateKey><Value ref="private.k"/><Password>${SECRET}</Password></PrivateKey>`,
  `${RSA_OAEP}<PrivateKey><Value ref="private.k"/><Password ref="${SECRET}"/></PrivateKey>`,
  `<Algorithms><Key>PBES2-HS256+A128KW</Key></Algorithms><PasswordKey><Value>${SECRET}</Value></PasswordKey>`,
  `<Algorithms><Key>dir</Key></Algorithms><DirectKey><Value>${SECRET}</Value></DirectKey>`,
  `<Algorithm>ES256</Algorithm><PublicKey><Value>${PEM}</Value></PublicKey>`,
  `<Algorithm>ES256</Algorithm><PublicKey><JWKS>${PRIVATE_SET}</JWKS></PublicKey>`,
  `<Algorithm>ES256</Algorithm><PublicKey><JWKS uri="https://user:${SECRET}@idp.example.org/"/></PublicKey>`,
  `${HS}<SecretKey><Value>${SECRET}&nbsp;</Value></SecretKey>`,
  `${HS}<SecretKey><Value>${SECRET}</SecretKey>`,
];
const SECRETS = [SECRET, PEM_LINE, String(JWK.d)];

/** Everything that keeps what it was told. */
async function kept(): Promise<string> {
  const tables = await plane.pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public'`,
  );
  const texts = await Promise.all(
    tables.rows.map(async ({ name }) => {
      const found = await plane.pool.query<{ text: string }>(`select to_jsonb(t)::text as text from "${name}" t`);
      return found.rows.map(({ text }) => text).join('\n');
    }),
  );
  const { body: metrics } = await plane.app.inject({ method: 'GET', url: '/metrics' });
  return [...texts, metrics, plane.logLines.join('\n'), plane.answers.join('\n')].join('\n');
}

describe('a secret that somebody writes into a policy-verify-jwt', () => {
  const tryOut = async (method: 'POST' | 'PUT', send: (path: string) => Promise<{ status: number; text: string }>) => {
    const { status, text } = await send(`${AT}/${method === 'POST' ? 'new' : 'kept'}/`);
    expect(status).toBe(400);
    expect(text).toContain('validation_errors');
    for (const secret of SECRETS) expect(text).not.toContain(secret);
  };

  it.each(MEMBERS)('is refused and never shown, as JSON (case %#)', async (members) => {
    const body = { operationMetadata: METADATA, policy: { type: 'policy-verify-jwt', ...members } };
    for (const method of ['POST', 'PUT'] as const) await tryOut(method, (path) => plane.call(method, path, body));
  });

  it.each(DOCUMENTS)('is refused and never shown, as XML (case %#)', async (elements) => {
    const xml = `<VerifyJWT>${elements}</VerifyJWT>`;
    const headers = { 'content-type': 'application/xml' };
    const body = { operationMetadata: METADATA, policy: { type: 'policy-verify-jwt', xml } };
    for (const method of ['POST', 'PUT'] as const) {
      await tryOut(method, (path) => plane.call(method, `${path}${QUERY}`, xml, headers));
      await tryOut(method, (path) => plane.call(method, path, body));
    }
  });

  it('is nowhere afterwards: no event, table, log line or metric', async () => {
    const text = await kept();
    expect(text).toContain('policy-verify-jwt');
    for (const secret of SECRETS) expect(text).not.toContain(secret);
  });
});
