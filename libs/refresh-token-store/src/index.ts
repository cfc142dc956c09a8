export { whyLoginIsOver } from './family/decide-rotation.ts';
export { InMemoryRefreshTokenStore } from './in-memory/in-memory-refresh-token-store.ts';
export { REDIS_REFRESH_TOKEN_STORE_DEFAULTS, RedisRefreshTokenStore } from './redis/redis-refresh-token-store.ts';
export {
  RefreshTokenStoreUnavailable,
  SeenRefreshToken,
  type RefreshTokenExpectation,
  type RefreshTokenFamily,
  type RefreshTokenInspection,
  type RefreshTokenIssue,
  type RefreshTokenOwner,
  type RefreshTokenRefusal,
  type RefreshTokenRotation,
  type RefreshTokenRules,
  type RefreshTokenStore,
  type RefreshTokenSubject,
} from './refresh-token-store.port.ts';
export { takeRandomBytes } from './token/random-pool.ts';
