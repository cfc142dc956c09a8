import { Redis } from 'ioredis';
import { LoginThrottleUnavailable } from '../token-endpoint/identity/login-throttle/login-throttle.port.ts';
import { EnvironmentLoginThrottle } from './environment-login-throttle.ts';

it('failed logins cannot be counted until the keys of the environment are known', async () => {
  const redis = new Redis({ lazyConnect: true });
  const limits = { failuresPerName: 1, failuresPerAddress: 1, blockMs: 1_000 };
  const counted = { environment: 'production', kind: 'password', limits } as const;
  const throttle = new EnvironmentLoginThrottle(redis, counted, () => undefined);
  const attempt = { name: 'ann', clientAddress: '192.0.2.1' };
  await expect(throttle.standing(attempt)).rejects.toThrow(LoginThrottleUnavailable);
  await expect(throttle.failed(attempt)).rejects.toThrow(LoginThrottleUnavailable);
  await expect(throttle.succeeded(attempt)).rejects.toThrow(LoginThrottleUnavailable);
  redis.disconnect();
});
