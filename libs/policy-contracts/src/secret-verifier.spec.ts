import { createPasswordVerifier, createSecretVerifier, verifyPassword, verifySecret } from './secret-verifier.ts';

const PASSWORD = 'correct horse battery staple';

describe('a password verifier', () => {
  it('knows the password, and no other', async () => {
    const verifier = await createPasswordVerifier(PASSWORD);
    expect(await verifyPassword(verifier, PASSWORD)).toBe(true);
    for (const wrong of ['', `${PASSWORD} `, PASSWORD.toUpperCase(), verifier]) {
      expect(await verifyPassword(verifier, wrong)).toBe(false);
    }
  });

  it('does not hold the password, and is another one each time', async () => {
    const [first, second] = await Promise.all([createPasswordVerifier(PASSWORD), createPasswordVerifier(PASSWORD)]);
    expect(first).not.toContain(PASSWORD);
    expect(first).not.toBe(second);
    expect(first).toMatch(/^scrypt\$16384\$[\w-]{22}\$[\w-]{43}$/);
  });

  it('knows the password however its accents were typed', async () => {
    const verifier = await createPasswordVerifier('caf\u00e9');
    expect(await verifyPassword(verifier, 'cafe\u0301')).toBe(true);
  });

  it.each([
    '',
    'x',
    'scrypt',
    'scrypt$16384$salt',
    'scrypt$0$c2FsdA$a2V5',
    'scrypt$3$c2FsdA$a2V5',
    'bcrypt$2$c2FsdA$a2V5',
  ])('of another form (%j) knows no password', async (verifier) => {
    expect(await verifyPassword(verifier, PASSWORD)).toBe(false);
  });

  it('cannot ask for more work than there is memory for', async () => {
    expect(await verifyPassword(`scrypt$${2 ** 30}$c2FsdA$a2V5`, PASSWORD)).toBe(false);
  });
});

describe('a secret verifier', () => {
  it('knows the secret, and no other', () => {
    const verifier = createSecretVerifier('s3cret');
    expect(verifySecret(verifier, 's3cret')).toBe(true);
    for (const wrong of ['', 's3cret ', 'S3cret', verifier]) expect(verifySecret(verifier, wrong)).toBe(false);
  });

  it('does not hold the secret, and is another one each time', () => {
    expect(createSecretVerifier('s3cret')).not.toContain('s3cret');
    expect(createSecretVerifier('s3cret')).not.toBe(createSecretVerifier('s3cret'));
  });

  it.each(['', 'hmac', 'hmac$salt', 'hmac$$', 'hmac$c2FsdA$', 'scrypt$c2FsdA$a2V5'])(
    'of another form (%j) knows no secret',
    (verifier) => {
      expect(verifySecret(verifier, 's3cret')).toBe(false);
      expect(verifySecret(verifier, '')).toBe(false);
    },
  );
});
