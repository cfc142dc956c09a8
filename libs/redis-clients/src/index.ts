export { onConnectionLost, openRedis, type RedisClient, type RedisClientOptions } from './open-redis.ts';
export {
  parseRedisUrl,
  REDIS_URL_FORM,
  redisAddress,
  type ClusterAddress,
  type RedisAddress,
  type RedisNode,
  type SentinelAddress,
  type SingleAddress,
} from './redis-address.ts';
export { watchEviction } from './redis-eviction.ts';
export { readRedisTls, REDIS_TLS_SETTINGS, type RedisTls } from './redis-tls.ts';
export { subscribe, type ChannelListener, type Subscription } from './subscription.ts';
