export { LOG_LEVELS, createLogger, errorFacts, FrameworkLogger, type Logger, type LogLevel } from './logger.ts';
export { programVersion } from './program-version.ts';
export { parseRedisUrl, REDIS_URL_FORM, redisAddress, type RedisAddress } from './redis-address.ts';
export { watchEviction } from './redis-eviction.ts';
export { BadSettings, SettingsReader, type EnvironmentVariables } from './settings-reader.ts';
export { stopSignalHandler, type StopSignals } from './stop-signals.ts';
