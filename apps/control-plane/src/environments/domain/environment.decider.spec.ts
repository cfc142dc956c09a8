import { fold } from '../../decider/decider.ts';
import { given } from '../../decider/testing/given.ts';
import { environmentDecider, requireEnvironment, type EnvironmentEvent } from './environment.decider.ts';

const secret = (secretId: string) => ({ secretId, fingerprint: secretId });
const CREATION = {
  ...{ environmentId: 'e-1', name: 'production', description: '', tokenIssuer: 'https://issuer' },
  ...{ expiresInUnit: 'SECONDS' as const, redisUrl: null, rootKey: secret('root') },
};

const created: EnvironmentEvent = { type: 'EnvironmentCreated', schemaVersion: 1, data: CREATION };
const keyAdded = (keyId: string): EnvironmentEvent => ({
  type: 'GatewayKeyAdded',
  schemaVersion: 1,
  data: { keyId, entry: secret(keyId) },
});
const keyRevoked = (keyId: string): EnvironmentEvent => ({
  type: 'GatewayKeyRevoked',
  schemaVersion: 1,
  data: { keyId },
});
const signingKey = (algorithm: string, keyId: string): EnvironmentEvent => ({
  type: 'SigningKeyGenerated',
  schemaVersion: 1,
  data: { algorithm, keyId, jwk: secret(keyId) },
});

describe('an environment', () => {
  it('is created with its first gateway key', () => {
    given(environmentDecider, [])
      .when({ type: 'CreateEnvironment', ...CREATION, firstKey: { keyId: 'k1', entry: secret('k1') } })
      .then([created, keyAdded('k1')]);
  });

  it('changes its settings, and keeps its name and its keys', () => {
    const settings = {
      ...{ description: 'd', tokenIssuer: 'https://other', expiresInUnit: 'MILLISECONDS' as const },
      redisUrl: secret('url'),
    };
    const updated: EnvironmentEvent = {
      ...{ type: 'EnvironmentUpdated', schemaVersion: 1, data: { environmentId: 'e-1', ...settings } },
    };
    const history = [created, keyAdded('k1'), signingKey('RS256', 'a')];
    given(environmentDecider, history)
      .when({ type: 'UpdateEnvironment', ...settings })
      .then([updated]);
    const before = requireEnvironment(fold(environmentDecider, history));
    expect(fold(environmentDecider, [...history, updated])).toEqual({ ...before, ...settings });
  });

  it('is deleted once, and has nothing left to change', () => {
    const deleted: EnvironmentEvent = {
      ...{ type: 'EnvironmentDeleted', schemaVersion: 1, data: { environmentId: 'e-1' } },
    };
    given(environmentDecider, [created]).when({ type: 'DeleteEnvironment' }).then([deleted]);
    const gone = given(environmentDecider, [created, keyAdded('k1'), deleted]);
    gone.when({ type: 'DeleteEnvironment' }).thenRefuses('NOT_FOUND');
    gone.when({ type: 'AddGatewayKey', keyId: 'k', entry: secret('k') }).thenRefuses('NOT_FOUND');
  });

  it('gets another gateway key while the first stays', () => {
    given(environmentDecider, [created, keyAdded('k1')])
      .when({ type: 'AddGatewayKey', keyId: 'k2', entry: secret('k2') })
      .then([keyAdded('k2')]);
    const state = requireEnvironment(fold(environmentDecider, [created, keyAdded('k1'), keyAdded('k2')]));
    expect(Object.keys(state.gatewayKeys)).toEqual(['k1', 'k2']);
  });

  it('loses a gateway key that is revoked, and remembers which', () => {
    const history = [created, keyAdded('k1'), keyAdded('k2')];
    given(environmentDecider, history)
      .when({ type: 'RevokeGatewayKey', keyId: 'k1' })
      .then([keyRevoked('k1')]);
    const state = requireEnvironment(fold(environmentDecider, [...history, keyRevoked('k1')]));
    expect([Object.keys(state.gatewayKeys), state.revokedKeyIds]).toEqual([['k2'], ['k1']]);
  });

  it.each(['k3', 'toString', '__proto__'])('has no gateway key %s to revoke', (keyId) => {
    given(environmentDecider, [created, keyAdded('k1'), keyAdded('k2')])
      .when({ type: 'RevokeGatewayKey', keyId })
      .thenRefuses('NOT_FOUND');
  });

  it('keeps its last gateway key', () => {
    given(environmentDecider, [created, keyAdded('k1'), keyAdded('k2'), keyRevoked('k1')])
      .when({ type: 'RevokeGatewayKey', keyId: 'k2' })
      .thenRefuses('CONFLICT');
  });

  it('has one signing key for each algorithm, the first', () => {
    given(environmentDecider, [created])
      .when({ type: 'GenerateSigningKey', algorithm: 'RS256', keyId: 'a', jwk: secret('a') })
      .then([signingKey('RS256', 'a')]);
    given(environmentDecider, [created, signingKey('RS256', 'a')])
      .when({ type: 'GenerateSigningKey', algorithm: 'RS256', keyId: 'b', jwk: secret('b') })
      .then([]);
    given(environmentDecider, [created, signingKey('RS256', 'a')])
      .when({ type: 'GenerateSigningKey', algorithm: 'HS256', keyId: 'b', jwk: secret('b') })
      .then([signingKey('HS256', 'b')]);
  });

  describe('and its orders about key sets', () => {
    const URI = 'https://login.example/jwks';
    const KEY = { uri: URI, kid: 'k' };
    const now = '2026-11-22T10:00:00.000Z';
    const flushed = (uri: string | null, number: number): EnvironmentEvent => ({
      ...{ type: 'KeySetsFlushed', schemaVersion: 1, data: { environmentId: 'e-1', uri, number } },
    });
    const denied = (kid: string): EnvironmentEvent => ({
      ...{ type: 'KeyIdDenied', schemaVersion: 1, data: { environmentId: 'e-1', uri: URI, kid } },
    });
    const allowed = (kid: string): EnvironmentEvent => ({
      ...{ type: 'KeyIdAllowed', schemaVersion: 1, data: { environmentId: 'e-1', uri: URI, kid } },
    });
    const ordersAfter = (...events: EnvironmentEvent[]) =>
      requireEnvironment(fold(environmentDecider, [created, ...events])).keySetOrders;

    it('flushes under a number that is the time, and above the last one whatever the clock says', () => {
      const flush = { type: 'FlushKeySets', uri: URI, now } as const;
      const atNow = Date.parse(now);
      given(environmentDecider, [created])
        .when(flush)
        .then([flushed(URI, atNow)]);
      given(environmentDecider, [created, flushed(null, atNow + 5), flushed('https://a', atNow + 9)])
        .when(flush)
        .then([flushed(URI, atNow + 10)]);
    });

    it('keeps the last flush of each set; one of every set stands for those before it', () => {
      expect(ordersAfter(flushed(URI, 1), flushed('https://a', 2), flushed(URI, 3)).flushes).toEqual([
        { uri: 'https://a', number: 2 },
        { uri: URI, number: 3 },
      ]);
      expect(ordersAfter(flushed(URI, 1), flushed(null, 2), flushed(null, 3)).flushes).toEqual([
        { uri: null, number: 3 },
      ]);
    });

    it('denies a key once, and lifts what is denied alone', () => {
      given(environmentDecider, [created])
        .when({ type: 'DenyKeyId', ...KEY })
        .then([denied('k')]);
      given(environmentDecider, [created, denied('k')])
        .when({ type: 'DenyKeyId', ...KEY })
        .then([]);
      given(environmentDecider, [created, denied('k')])
        .when({ type: 'AllowKeyId', ...KEY })
        .then([allowed('k')]);
      for (const key of [
        { ...KEY, kid: 'K' },
        { ...KEY, uri: 'https://login.example/' },
      ]) {
        given(environmentDecider, [created, denied('k')])
          .when({ type: 'AllowKeyId', ...key })
          .thenRefuses('NOT_FOUND');
      }
      expect(ordersAfter(denied('a'), denied('b'), allowed('a')).denied).toEqual([{ uri: URI, kid: 'b' }]);
    });

    it('takes no more than can be told in one record, and a flush of every set makes room', () => {
      const flushes = Array.from({ length: 100 }, (_, index) => flushed(`https://${index}`, index + 1));
      const full = given(environmentDecider, [created, ...flushes]);
      full.when({ type: 'FlushKeySets', uri: URI, now }).thenRefuses('CONFLICT');
      full.when({ type: 'FlushKeySets', uri: 'https://7', now }).then([flushed('https://7', Date.parse(now))]);
      full.when({ type: 'FlushKeySets', uri: null, now }).then([flushed(null, Date.parse(now))]);
      const keys = Array.from({ length: 1_000 }, (_, index) => denied(`k${index}`));
      const denying = given(environmentDecider, [created, ...keys]);
      denying.when({ type: 'DenyKeyId', ...KEY }).thenRefuses('CONFLICT');
      denying.when({ type: 'DenyKeyId', ...KEY, kid: 'k7' }).then([]);
    });

    it('has none where it is not there', () => {
      const absent = given(environmentDecider, []);
      absent.when({ type: 'FlushKeySets', uri: null, now }).thenRefuses('NOT_FOUND');
      absent.when({ type: 'DenyKeyId', ...KEY }).thenRefuses('NOT_FOUND');
    });
  });

  it('that is not there changes nothing', () => {
    const absent = given(environmentDecider, []);
    absent.when({ type: 'AddGatewayKey', keyId: 'k', entry: secret('k') }).thenRefuses('NOT_FOUND');
    absent.when({ type: 'RevokeGatewayKey', keyId: 'k' }).thenRefuses('NOT_FOUND');
    absent
      .when({ type: 'GenerateSigningKey', algorithm: 'RS256', keyId: 'a', jwk: secret('a') })
      .thenRefuses('NOT_FOUND');
  });
});
