import { createPublicKey, randomBytes } from 'node:crypto';
import { NOW_SECONDS } from '../testing/artifacts.ts';
import { makeEncryptedToken, type EncryptedTokenParts } from '../testing/encrypted-token-maker.ts';
import { asked, judge, outcomeOf, SIGNER, tokenWith, type Given } from '../testing/judge-token.ts';
import { ecPair, rsaPair } from '../testing/token-maker.ts';

const pkcs8 = SIGNER.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const pkcs1 = SIGNER.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
const lockedWith = (passphrase: string): string =>
  SIGNER.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString();
const PUBLIC = createPublicKey(SIGNER.publicPem);

const RSA_HEADER = { alg: 'RSA-OAEP-256', enc: 'A256GCM' };
const toPublicKey = (payload: unknown = {}, header: EncryptedTokenParts['header'] = RSA_HEADER): string =>
  makeEncryptedToken({ header, payload, key: PUBLIC });
const policyWith = (members: object) => ({ algorithm: null, publicKey: null, ...members });

const PRIVATE_KEY = { algorithms: { key: 'RSA-OAEP-256' }, privateKey: { ref: 'private.pem' } };
const byPrivateKey = (policy: object = {}, given: Given = {}): Given => ({
  environment: { 'private.pem': pkcs8 },
  token: toPublicKey(given.payload),
  ...given,
  policy: policyWith({ ...PRIVATE_KEY, ...policy }),
});

const PASSWORD = 'pässwörd';
const passwordHeader = (p2c = 1000) => ({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2s: 'AAAAAAAAAAA', p2c });
const byPassword = (policy: object = {}, given: Given = {}): Given => ({
  environment: { 'private.password': PASSWORD },
  token: makeEncryptedToken({ header: passwordHeader(), payload: given.payload ?? {}, key: PASSWORD }),
  ...given,
  policy: policyWith({
    algorithms: { key: 'PBES2-HS256+A128KW' },
    passwordKey: { ref: 'private.password' },
    ...policy,
  }),
});

const KEY_32 = randomBytes(32);
const byDirectKey = (directKey: object, text: string): Given => ({
  policy: policyWith({ algorithms: { key: 'dir' }, directKey: { ref: 'private.key', ...directKey } }),
  environment: { 'private.key': text },
  token: makeEncryptedToken({ header: { alg: 'dir', enc: 'A256GCM' }, payload: {}, key: KEY_32 }),
});

const KEY_16 = '0123456789abcdef';
const bySecretKey = (secretKey: object, text: string): Given => ({
  policy: policyWith({ algorithms: { key: 'A128KW' }, secretKey: { ref: 'private.key', ...secretKey } }),
  environment: { 'private.key': text },
  token: makeEncryptedToken({ header: { alg: 'A128KW', enc: 'A256GCM' }, payload: {}, key: Buffer.from(KEY_16) }),
});

describe('the private key', () => {
  it.each([
    ['PKCS#8', pkcs8],
    ['PKCS#1', pkcs1],
    ['joined by blanks', pkcs8.trim().replaceAll('\n', ' ')],
  ])('is read as %s, from the environment and from the flow', async (_form, pem) => {
    expect(await outcomeOf(byPrivateKey({}, { environment: { 'private.pem': pem } }))).toBe('pass');
    expect(await outcomeOf(byPrivateKey({}, { environment: {}, set: { 'private.pem': pem } }))).toBe('pass');
  });

  const LOCKED = { privateKey: { ref: 'private.pem', passwordRef: 'private.password' } };
  it.each([
    ['the right password', { 'private.pem': lockedWith('s'), 'private.password': 's' }, 'pass'],
    ['a wrong password', { 'private.pem': lockedWith('s'), 'private.password': 'x' }, 'InvalidPrivateKey: '],
    ['an empty password', { 'private.pem': lockedWith('s'), 'private.password': '' }, 'InvalidPrivateKey: '],
    ['a password nobody needs', { 'private.pem': pkcs8, 'private.password': 's' }, 'pass'],
    ['no PEM', { 'private.pem': 'hello', 'private.password': 's' }, 'KeyParsingFailed: '],
    ['a public key', { 'private.pem': SIGNER.publicPem, 'private.password': 's' }, 'InvalidPrivateKey: '],
    ['nothing', { 'private.pem': ' ', 'private.password': 's' }, 'InvalidPrivateKey: '],
  ])('with %s', async (_name, variables, expected) => {
    expect(await outcomeOf(byPrivateKey(LOCKED, { environment: variables }))).toBe(expected);
    expect(await outcomeOf(byPrivateKey(LOCKED, { environment: {}, set: variables }))).toBe(expected);
    const { 'private.pem': pem, ...password } = variables;
    expect(await outcomeOf(byPrivateKey(LOCKED, { environment: { 'private.pem': pem }, set: password }))).toBe(
      expected,
    );
  });

  it('needs its password when it has one and the policy names none', async () => {
    const environment = { 'private.pem': lockedWith('s') };
    expect(await outcomeOf(byPrivateKey({}, { environment }))).toBe('InvalidPrivateKey: ');
  });

  it.each([
    ['another kind than the algorithm’s', ecPair('P-256'), 'WrongKeyType: '],
    ['a short one', rsaPair(1024), 'InvalidPrivateKey: '],
  ])('is refused when it is %s', async (_name, { privateKey }, expected) => {
    const environment = { 'private.pem': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
    expect(await outcomeOf(byPrivateKey({}, { environment }))).toBe(expected);
  });

  it('is refused on a curve that key agreement does not know', async () => {
    const environment = {
      'private.pem': ecPair('secp256k1').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
    const token = makeEncryptedToken({ header: { alg: 'ECDH-ES', enc: 'A256GCM' }, payload: {}, key: PUBLIC });
    const algorithms = { key: 'ECDH-ES' };
    expect(await outcomeOf(byPrivateKey({ algorithms }, { environment, token }))).toBe('InvalidCurve: ');
  });
});

describe('a secret key, a direct key, a password', () => {
  it.each([
    ['a direct key in base64 unless it says otherwise', byDirectKey({}, KEY_32.toString('base64')), 'pass'],
    ['one in hex', byDirectKey({ encoding: 'hex' }, KEY_32.toString('hex')), 'pass'],
    ['one of the wrong length', byDirectKey({}, KEY_16), 'InvalidSecretKey: '],
    ['one that cannot be decoded', byDirectKey({}, '%%%'), 'InvalidSecretKey: '],
    ['another one', byDirectKey({}, randomBytes(32).toString('base64')), 'InvalidToken: '],
    ['a secret key’s UTF-8 bytes', bySecretKey({}, KEY_16), 'pass'],
    ['one in base64url', bySecretKey({ encoding: 'base64url' }, Buffer.from(KEY_16).toString('base64url')), 'pass'],
    ['one a byte too long', bySecretKey({}, `${KEY_16}0`), 'InvalidSecretKey: '],
    ['another one of that length', bySecretKey({}, KEY_16.toUpperCase()), 'InvalidToken: '],
    ['a password’s UTF-8 bytes', byPassword(), 'pass'],
    ['another password', byPassword({}, { environment: { 'private.password': 'x' } }), 'InvalidToken: '],
    ['an empty password', byPassword({}, { environment: { 'private.password': '' } }), 'InvalidPasswordKey: '],
  ])('takes %s', async (_name, given, expected) => {
    expect(await outcomeOf(given)).toBe(expected);
    expect(await outcomeOf({ ...given, environment: {}, set: { ...given.environment } })).toBe(expected);
  });

  it('checks salt and iterations before anything is derived', async () => {
    const withSalt = (saltLength: number) => ({ passwordKey: { ref: 'private.password', saltLength } });
    expect(await outcomeOf(byPassword(withSalt(8)))).toBe('pass');
    expect(await outcomeOf(byPassword(withSalt(9)))).toBe('InvalidSaltLength: ');
    // So many iterations would take an hour.
    const header = { ...passwordHeader(), p2c: 4_000_000_000 };
    const token = makeEncryptedToken({ header: passwordHeader(), payload: {}, key: PASSWORD });
    const greedy = [Buffer.from(JSON.stringify(header)).toString('base64url'), ...token.split('.').slice(1)].join('.');
    expect(await outcomeOf(byPassword({}, { token: greedy }))).toBe('InvalidIterationCount: ');
  });
});

describe('key references that cannot be resolved (verify-jwt.md 2.4)', () => {
  const LOCKED = { privateKey: { ref: 'private.pem', passwordRef: 'private.password' } };
  const unset = { environment: {} };
  it.each([
    ['private key', byPrivateKey({}, unset), 'variable(private.pem)', 'InvalidPrivateKey: '],
    ['its password', byPrivateKey(LOCKED), 'variable(private.password)', 'pass'],
    [
      'the password of a locked key',
      byPrivateKey(LOCKED, { environment: { 'private.pem': lockedWith('s') } }),
      'variable(private.password)',
      'InvalidPrivateKey: ',
    ],
    ['password key', byPassword({}, unset), 'variable(private.password)', 'InvalidPasswordKey: '],
    ['secret key', { ...bySecretKey({}, ''), ...unset }, 'variable(private.key)', 'InvalidSecretKey: '],
    ['direct key', { ...byDirectKey({}, ''), ...unset }, 'variable(private.key)', 'InvalidSecretKey: '],
  ])('%s', async (_name, given, strict, ignoring) => {
    expect(await outcomeOf(given)).toBe(`FailedToResolveVariable: ${strict}`);
    const policy = { ...given.policy, ignoreUnresolvedVariables: true };
    expect(await outcomeOf({ ...given, policy })).toBe(ignoring);
  });
});

describe('the order of checks on an encrypted token', () => {
  const everythingWrong = { exp: NOW_SECONDS - 1, iss: 'x' };
  const policy = { issuer: 'i', algorithms: { key: 'RSA-OAEP-256', content: 'A256GCM' } };
  const noKey: Given = { environment: {} };
  it.each([
    ['three parts', { ...noKey, token: tokenWith({}) }, 'FailedToDecode: '],
    ['no JSON', { ...noKey, token: 'aGVsbG8....' }, 'InvalidJsonFormat: '],
    ['alg', { ...noKey, token: toPublicKey({}, { alg: 'RSA-OAEP', enc: 'A128GCM' }) }, 'AlgorithmMismatch: '],
    [
      'enc',
      { ...noKey, token: toPublicKey({}, { ...RSA_HEADER, enc: 'A128GCM', crit: ['a'] }) },
      'AlgorithmMismatch: ',
    ],
    ['crit', { ...noKey, token: toPublicKey({}, { ...RSA_HEADER, crit: ['a'], a: 1 }) }, 'UnhandledCriticalHeader: '],
    ['key', noKey, 'FailedToResolveVariable: '],
    ['decryption', { token: makeEncryptedToken({ ...other(), payload: everythingWrong }) }, 'InvalidToken: '],
    ['payload', { token: toPublicKey('hello') }, 'InvalidJsonFormat: '],
    ['times', { payload: everythingWrong }, 'TokenExpired: '],
    ['claims', { payload: { iss: 'x' } }, 'JwtIssuerMismatch: '],
    ['nothing', { payload: { iss: 'i' } }, 'pass'],
  ])('%s', async (_name, given: Given, expected) => {
    const { fault } = await judge(byPrivateKey(policy, given));
    expect(fault === undefined ? 'pass' : `${fault.name}: `).toBe(expected);
  });

  function other() {
    return { header: RSA_HEADER, key: createPublicKey(rsaPair().publicPem) };
  }
});

describe('what a run on an encrypted token leaves behind', () => {
  it('publishes header and claims of a token that opened', async () => {
    const { exchange, fault } = await judge(byPrivateKey({}, { payload: { sub: 'alice', exp: NOW_SECONDS + 60 } }));
    expect(fault).toBeUndefined();
    expect(exchange.variable('jwt.P.header.enc')).toBe('A256GCM');
    expect(exchange.variable('jwt.P.header.algorithm')).toBe('RSA-OAEP-256');
    expect(exchange.variable('jwt.P.claim.subject')).toBe('alice');
    expect(exchange.variable('jwt.P.seconds_remaining')).toBe(60);
    expect(exchange.variable('jwt.P.valid')).toBe(true);
    expect(exchange.variable('JWT.failed')).toBe(false);
  });

  it('publishes nothing of one that did not, and never a word of key or password', async () => {
    const given = byPassword({}, { environment: { 'private.password': 'another secret' } });
    const { exchange, fault } = await judge(given);
    expect(exchange.variable('jwt.P.header.alg')).toBeUndefined();
    expect(exchange.variable('jwt.P.payload-json')).toBeUndefined();
    expect(JSON.stringify(fault)).not.toContain('another secret');
  });
});

describe('too many tokens at once', () => {
  it.each([
    ['under a password', byPassword, 66],
    // They share the thread pool with everybody who looks up an address.
    ['to a private key', byPrivateKey, 516],
  ])('%s are answered with 503 and no word about the token; with continueOnError the flow goes on', async (...row) => {
    const [, given, places] = row;
    const busy = asked(given());
    const waiting = Array.from({ length: places }, () => busy.ask().outcome);
    const refused = busy.ask();
    const goingOn = asked(given({ continueOnError: true })).ask();
    const bySecret = asked(bySecretKey({}, KEY_16)).ask().outcome;

    expect(refused.outcome).toMatchObject({ status: 503, name: 'GWD-016', policy: 'P' });
    const { body = '', headers = [] } = (await refused.outcome) ?? {};
    expect(JSON.parse(body)).toMatchObject({ fault: { faultCode: 'GWD-016', faultStatusCode: '503' } });
    expect(headers).toContainEqual(['Retry-After', '1']);
    expect(refused.exchange.variable('jwt.P.valid')).toBe(false);
    expect(refused.exchange.variable('JWT.failed')).toBe(true);
    expect(goingOn.outcome).toBeUndefined();
    expect(goingOn.exchange.variable('jwt.P.valid')).toBe(false);

    expect(await bySecret).toBeUndefined();
    for (const outcome of waiting) expect(await outcome).toBeUndefined();
    expect(await busy.ask().outcome).toBeUndefined();
  });
});
