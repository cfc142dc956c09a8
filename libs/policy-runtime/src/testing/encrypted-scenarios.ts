import { createPublicKey } from 'node:crypto';
import { makeEncryptedToken, type EncryptedTokenParts } from './encrypted-token-maker.ts';
import type { Scenario } from './scenario.ts';
import { makeToken, rsaPair } from './token-maker.ts';

const WRAPPING_KEY = '0123456789abcdef';
const PASSWORD = 'correct horse battery staple';
const GOOD = { sub: 'alice' };
const rsa = rsaPair();
const otherRsa = rsaPair();

const pemOf = ({ privateKey }: typeof rsa): string => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const encryptedPem = rsa.privateKey
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' })
  .toString();

const encrypted = (header: EncryptedTokenParts['header'], key: EncryptedTokenParts['key']): string =>
  makeEncryptedToken({ header, payload: GOOD, key });
const forRsa = (alg: string): string => encrypted({ alg, enc: 'A128GCM' }, createPublicKey(rsa.publicPem));

const wrapped = (enc: string, content?: string): Scenario => ({
  policy: {
    algorithms: { key: 'A128KW', ...(content === undefined ? {} : { content }) },
    secretKey: { ref: 'private.key' },
  },
  environment: { 'private.key': WRAPPING_KEY },
  token: encrypted({ alg: 'A128KW', enc }, Buffer.from(WRAPPING_KEY)),
});

const byPrivateKey = (pem: string, token: string, passwordRef?: string): Scenario => ({
  policy: {
    algorithms: { key: 'RSA-OAEP-256', content: 'A128GCM' },
    privateKey: { ref: 'private.pem', ...(passwordRef === undefined ? {} : { passwordRef }) },
  },
  environment: { 'private.pem': pem, 'private.password': 'wrong' },
  token,
});

const byPassword = (checks: object, salt = Buffer.alloc(8, 7), iterations = 10_000): Scenario => ({
  policy: { algorithms: { key: 'PBES2-HS256+A128KW' }, passwordKey: { ref: 'private.password', ...checks } },
  environment: { 'private.password': PASSWORD },
  token: encrypted(
    { alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2s: salt.toString('base64url'), p2c: iterations },
    PASSWORD,
  ),
});

const DIRECT_32 = Buffer.from(WRAPPING_KEY.repeat(2));

/** Rows about encrypted tokens, by id. */
export const ENCRYPTED_SCENARIOS: Readonly<Record<string, Scenario>> = {
  S15: {
    ...byPrivateKey(pemOf(rsa), ''),
    token: makeToken({ header: { alg: 'RS256' }, payload: GOOD, algorithm: 'RS256', key: rsa.privateKey }),
  },
  A08: wrapped('A256GCM'),
  A09: wrapped('A256GCM', 'A128GCM'),
  A10: byPrivateKey(pemOf(rsa), forRsa('RSA-OAEP')),
  K28: {
    policy: { algorithms: { key: 'dir', content: 'A256GCM' }, directKey: { ref: 'private.key' } },
    environment: { 'private.key': Buffer.from(WRAPPING_KEY).toString('base64') },
    token: encrypted({ alg: 'dir', enc: 'A256GCM' }, DIRECT_32),
  },
  K29: byPassword({ saltLength: 16 }),
  K30: byPassword({ pbkdf2Iterations: 20_000 }),
  K31: byPassword({}),
  K32: byPrivateKey(encryptedPem, forRsa('RSA-OAEP-256'), 'private.password'),
  K33: byPrivateKey(pemOf(otherRsa), forRsa('RSA-OAEP-256')),
};

/** D13: the password of a private key written into the policy. */
export const LITERAL_PASSWORD = {
  algorithms: { key: 'RSA-OAEP-256' },
  privateKey: { ref: 'private.pem', password: 'open sesame' },
};
