import { KnownRevocations } from './known-revocations.ts';
import { familyOfTokenId, tokenIdOf, type RevokedBy, type TokenRevocation } from './token-revocation.ts';

const T0_MS = Date.UTC(2026, 0, 1);
const T0_SECONDS = T0_MS / 1_000;
const TOKEN = { jti: 'login-1.abc', sub: 'alice', client_id: 'shop-app', iat: T0_SECONDS };

const revoked = (by: RevokedBy, value: string, changes: Partial<TokenRevocation> = {}): TokenRevocation => ({
  ...{ by, value, issuedUntilSeconds: null, endsAtMs: null },
  ...changes,
});
const knowing = (...revocations: readonly TokenRevocation[]): KnownRevocations => {
  const known = new KnownRevocations();
  for (const revocation of revocations) known.add(revocation);
  return known;
};

describe('what is revoked', () => {
  it('is nothing while nothing is known', () => {
    expect(new KnownRevocations().isRevoked(TOKEN)).toBe(false);
  });

  it.each([
    ['token', 'login-1.abc', true],
    ['token', 'login-1', false],
    ['token', 'login-1.abcd', false],
    ['family', 'login-1', true],
    ['family', 'login-1.abc', false],
    ['family', 'login', false],
    ['user', 'alice', true],
    ['user', 'shop-app', false],
    ['client', 'shop-app', true],
    ['client', 'alice', false],
    ['everybody', '', true],
  ] as const)('by %s of %j', (by, value, is) => {
    expect(knowing(revoked(by, value)).isRevoked(TOKEN)).toBe(is);
  });

  it.each([
    [T0_SECONDS - 1, false],
    [T0_SECONDS, true],
    [T0_SECONDS + 1, true],
  ])('counts up to and with the second %d', (issuedUntilSeconds, is) => {
    expect(knowing(revoked('user', 'alice', { issuedUntilSeconds })).isRevoked(TOKEN)).toBe(is);
  });

  it.each([undefined, null, 'now', NaN, Infinity, {}])('holds a token issued at %p for the oldest', (iat) => {
    const known = knowing(revoked('user', 'alice', { issuedUntilSeconds: 0 }));
    expect(known.isRevoked({ ...TOKEN, iat })).toBe(true);
  });

  it.each([
    [undefined, 'alice', true],
    [{ jti: 'x' }, 'alice', true],
    ['login-1.abc', ['alice'], false],
    ['__proto__', '__proto__', false],
  ])('is told whatever a token claims: %p, %p', (jti, sub, is) => {
    expect(knowing(revoked('user', 'alice')).isRevoked({ ...TOKEN, jti, sub })).toBe(is);
  });

  it('does not take one kind for another, whatever the values say', () => {
    const known = knowing(revoked('user', 'client shop-app'), revoked('token', ' alice'));
    expect(known.isRevoked(TOKEN)).toBe(false);
  });

  it('never says less than before', () => {
    const wide = revoked('user', 'alice', { issuedUntilSeconds: T0_SECONDS + 9, endsAtMs: null });
    const known = knowing(wide);
    expect(known.add({ ...wide, issuedUntilSeconds: 1, endsAtMs: 1 })).toBeUndefined();
    expect([...known.all()]).toEqual([wide]);
    expect(known.add({ ...wide, issuedUntilSeconds: null, endsAtMs: 5 })).toEqual({
      ...wide,
      issuedUntilSeconds: null,
    });
    known.forgetEnded(T0_MS);
    expect(known.size).toBe(1);
  });

  it('is forgotten when it ends, not a moment before', () => {
    const known = knowing(revoked('user', 'alice', { endsAtMs: T0_MS }), revoked('user', 'bob'));
    known.forgetEnded(T0_MS - 1);
    expect(known.size).toBe(2);
    known.forgetEnded(T0_MS);
    expect([...known.all()].map(({ value }) => value)).toEqual(['bob']);
  });
});

describe('the id of a token', () => {
  it.each([
    ['abc', undefined],
    ['login-1.abc', 'login-1'],
    ['.abc', undefined],
    ['a.b.c', 'a'],
    ['~login-1.abc', 'login-1'],
    ['~abc', undefined],
    ['~.abc', undefined],
    ['~~a.b', '~a'],
  ])('%s names the login %s', (tokenId, family) => expect(familyOfTokenId(tokenId)).toBe(family));

  it('is made so that it names its login', () => {
    expect([tokenIdOf('login-1', 'abc'), tokenIdOf(undefined, 'abc')]).toEqual(['login-1.abc', 'abc']);
  });
});
