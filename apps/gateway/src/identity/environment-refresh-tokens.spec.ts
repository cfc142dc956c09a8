import { Redis } from 'ioredis';
import { RefreshTokenStoreUnavailable } from '#libs/refresh-token-store';
import { EnvironmentRefreshTokens } from './environment-refresh-tokens.ts';

it('refresh tokens are unavailable until the keys of the environment are known', async () => {
  const redis = new Redis({ lazyConnect: true });
  const tokens = new EnvironmentRefreshTokens(redis, 'production', () => undefined, 'gw-1');
  const owner = { proxyId: 'p', policy: 'issue', subject: 'ann' };
  await expect(tokens.revokeToken('a.b')).rejects.toThrow(RefreshTokenStoreUnavailable);
  await expect(tokens.activeCount(owner, 0)).rejects.toThrow(RefreshTokenStoreUnavailable);
  await expect(tokens.revokeSubject(owner)).rejects.toThrow(RefreshTokenStoreUnavailable);
  redis.disconnect();
});
