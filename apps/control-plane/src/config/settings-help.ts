import { PROJECT_LIMITS as LIMITS } from '../projects/domain/project-limits.ts';
import { CONTROL_PLANE_DEFAULTS as DEFAULTS } from './control-plane.config.ts';

const PROJECT_LIMITS_HELP = Object.values(LIMITS)
  .map(({ setting, what, usual }) => `  ${setting}  ${what} that a project may hold (${usual})`)
  .join('\n');

/** Printed by `--help`. */
export const SETTINGS_HELP = `Gatewarden control plane: the apiops REST API and the deployer.

Settings are environment variables:
  HOST, PORT         listen address (${DEFAULTS.host}, ${DEFAULTS.port})
  DATABASE_URL       postgres://… of PostgreSQL 15 or later (unset: one of its own in DATA_DIR)
  DATA_DIR           embedded database and generated keys (${DEFAULTS.dataDir})
  REDIS_URL          queue, and the Redis of environments without their own (${DEFAULTS.redisUrl})
                     also redis-sentinel:// and redis-cluster://; rediss…:// for TLS
  REDIS_CA_FILE      PEM; the only authorities that are trusted for Redis, also for that of environments
  REDIS_CLIENT_CERT_FILE, REDIS_CLIENT_KEY_FILE  PEM; certificate shown to Redis, and its key
  ROLES              api, deployer or both (api,deployer)
  ADMIN_TOKEN        bearer token of the first administrator (generated into DATA_DIR/admin-token)
  MASTER_KEY         32 bytes in base64, wraps the keys that every secret at rest is sealed with (generated into
                     DATA_DIR/master-key; required with DATABASE_URL; changed by npm run master-key:rewrap)
  DATABASE_URL_FILE, REDIS_URL_FILE, ADMIN_TOKEN_FILE, MASTER_KEY_FILE
                     files with these, each in place of the setting itself
  DEPLOY_TIMEOUT_MS  how long a request that deploys waits for the gateways (${DEFAULTS.deployTimeoutMs})
  DEPLOY_HISTORY_LIMIT  rows of a list of deployments where the call names no limit, 1 to 1000 (${DEFAULTS.deployHistoryLimit})
  AUDIT_CHECKPOINT_SECONDS  how often the history is signed for, 0 to 86400; 0: not by this process (${DEFAULTS.auditCheckpointSeconds})
  AUDIT_CHECKPOINT_FILE     where checkpoints are kept outside the database (DATA_DIR/audit-checkpoints.jsonl)
  API_REQUESTS_PER_MINUTE   of one token, of each process; then 429; 0: not counted (${DEFAULTS.apiRequestsPerMinute})
  MAX_CONNECTIONS           open connections of clients; one above it is closed at once (${DEFAULTS.maxConnections})
  TRUSTED_PROXIES           CIDRs whose X-Forwarded-For is believed, comma-separated (none)
  MAX_ARTIFACT_BYTES        of one proxy as gateways get it (${DEFAULTS.maxArtifactBytes})
${PROJECT_LIMITS_HELP}
  PROJECT_MAX_REVOCATIONS  of one project in one environment, before it gets new names (${DEFAULTS.projectMaxRevocations})
  LOG_LEVEL          trace, debug, info, warn, error, fatal or silent (${DEFAULTS.logLevel})
`;
