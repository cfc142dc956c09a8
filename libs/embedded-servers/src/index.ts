export { acquireDirectoryLock, type DirectoryLock } from './directory-lock.ts';
export { DirectoryInUse, EmbeddedServerError, type EmbeddedServerErrorCode } from './embedded-server-error.ts';
export { findFreePort } from './free-port.ts';
export { startEmbeddedPostgres, type EmbeddedPostgresOptions } from './postgres/start-embedded-postgres.ts';
export { runningPostgresUrl } from './postgres/running-postgres.ts';
export {
  identifyProcess,
  isStillRunning,
  parseProcessIdentity,
  type ProcessIdentity,
} from './process/process-identity.ts';
export { commandLineOf } from './process/process-identity.ts';
export { openServerLog, type ServerLog } from './process/server-log.ts';
export { stopProcess, type StopStep } from './process/stop-process.ts';
export { obtainRedis } from './redis/obtain-redis.ts';
export { type RedisProgram } from './redis/redis-program.ts';
export { startRedis, type RedisOptions } from './redis/start-redis.ts';
export { type RunningServer } from './running-server.ts';
