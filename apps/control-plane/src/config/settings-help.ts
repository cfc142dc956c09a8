import { CONTROL_PLANE_DEFAULTS as DEFAULTS } from './control-plane.config.ts';

/** Printed by `--help`. */
export const SETTINGS_HELP = `Gatewarden control plane: the apiops REST API and the deployer.

Settings are environment variables:
  HOST, PORT         listen address (${DEFAULTS.host}, ${DEFAULTS.port})
  DATABASE_URL       postgres://… of PostgreSQL 15 or later (unset: one of its own in DATA_DIR)
  DATA_DIR           embedded database and generated keys (${DEFAULTS.dataDir})
  REDIS_URL          queue, and the Redis of environments without their own (${DEFAULTS.redisUrl})
  ROLES              api, deployer or both (api,deployer)
  ADMIN_TOKEN        bearer token of the first administrator (generated into DATA_DIR/admin-token)
  MASTER_KEY         32 bytes in base64, wraps the keys that every secret at rest is sealed with (generated into
                     DATA_DIR/master-key; required with DATABASE_URL; changed by npm run master-key:rewrap)
  DEPLOY_TIMEOUT_MS  how long a request that deploys waits for the gateways (${DEFAULTS.deployTimeoutMs})
  DEPLOY_HISTORY_LIMIT  rows of a list of deployments where the call names no limit, 1 to 1000 (${DEFAULTS.deployHistoryLimit})
  AUDIT_CHECKPOINT_SECONDS  how often the history is signed for, 0 to 86400; 0: not by this process (${DEFAULTS.auditCheckpointSeconds})
  AUDIT_CHECKPOINT_FILE     where checkpoints are kept outside the database (DATA_DIR/audit-checkpoints.jsonl)
  LOG_LEVEL          trace, debug, info, warn, error, fatal or silent (${DEFAULTS.logLevel})
`;
