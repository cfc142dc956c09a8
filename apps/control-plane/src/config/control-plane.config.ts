import path from 'node:path';
import { REVOCATION_LEDGER_LIMITS } from '#libs/token-revocations';
import { USUAL_PROJECT_LIMITS, type ProjectLimits } from '../projects/domain/project-limits.ts';
import { readProjectLimits } from './project-limits.ts';
import { BadSettings, LOG_LEVELS, SettingsReader, type EnvironmentVariables, type LogLevel } from '#libs/program-shell';
import { trustedProxiesOf } from '#libs/client-addresses';
import { readDatabaseUrl } from './database-url.ts';
import type { RedisTls } from '#libs/redis-clients';

export const CONTROL_PLANE_DEFAULTS = {
  host: '127.0.0.1',
  port: 3000,
  dataDir: '.data/control-plane',
  redisUrl: 'redis://127.0.0.1:6379',
  deployTimeoutMs: 10_000,
  deployHistoryLimit: 100,
  auditCheckpointSeconds: 60,
  apiRequestsPerMinute: 6_000,
  maxConnections: 2_000,
  trustedProxies: [],
  maxArtifactBytes: 4 * 1024 * 1024,
  projectMaxRevocations: 10_000,
  projectLimits: USUAL_PROJECT_LIMITS,
  logLevel: 'info',
} as const;

/** Settings that may be given as files, by `<NAME>_FILE`. */
export const CONTROL_PLANE_SECRETS = ['DATABASE_URL', 'REDIS_URL', 'ADMIN_TOKEN', 'MASTER_KEY'] as const;
const NEW_MASTER_KEY = 'NEW_MASTER_KEY';

const ROLES = ['api', 'deployer'] as const;
export type Role = (typeof ROLES)[number];

/** Settings of a control-plane process, checked (contract part 3). */
export interface ControlPlaneConfig {
  readonly host: string;
  /** 0 to 65535; 0 lets the system choose. */
  readonly port: number;
  /** Undefined: a PostgreSQL of its own in `dataDir`. */
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  /** Of the queue, and of environments without their own. */
  readonly redisUrl: string;
  /** Of encrypted connections to that Redis, and to those of environments. */
  readonly redisTls?: RedisTls;
  readonly roles: ReadonlySet<Role>;
  /** Undefined: generated into `dataDir`. */
  readonly adminToken: string | undefined;
  /** 32 bytes; undefined: generated into `dataDir`. */
  readonly masterKey: Buffer | undefined;
  /** How long a request that deploys waits for the gateways. */
  readonly deployTimeoutMs: number;
  /** Rows of a list of deployments where the call names no limit, from 1 to 1000. None is ever removed. */
  readonly deployHistoryLimit: number;
  /** How often a checkpoint of the history is taken, if there is anything new; 0: this process takes none. */
  readonly auditCheckpointSeconds: number;
  /** Where a process with the role `api` keeps checkpoints outside the database. */
  readonly auditCheckpointFile: string;
  /** Requests of one token, of each process with the role `api`; 0: not counted. */
  readonly apiRequestsPerMinute: number;
  /** Open connections of clients, of each process. */
  readonly maxConnections: number;
  /** IP addresses and CIDRs whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** Of one proxy as gateways get it, from 1024. */
  readonly maxArtifactBytes: number;
  /** Revoked users, clients and logins of one project, in the ledger of one environment. */
  readonly projectMaxRevocations: number;
  /** Of a project that has none of its own. */
  readonly projectLimits: ProjectLimits;
  readonly logLevel: LogLevel;
}

function readRoles(reader: SettingsReader): ReadonlySet<Role> {
  const text = reader.text('ROLES');
  if (text === undefined) return new Set(ROLES);
  const names = text.split(',').map((name) => name.trim());
  const known = ROLES.filter((role) => names.includes(role));
  if (known.length === 0 || known.length !== new Set(names).size) {
    reader.faults.push(`ROLES must be a comma-separated list of ${ROLES.join(', ')}`);
    return new Set(ROLES);
  }
  return new Set(known);
}

function readMasterKey(reader: SettingsReader, name: 'MASTER_KEY' | 'NEW_MASTER_KEY'): Buffer | undefined {
  const text = reader.text(name);
  if (text === undefined) return undefined;
  const key = Buffer.from(text, 'base64');
  if (key.length !== 32) reader.faults.push(`${name} must be 32 bytes in base64`);
  return key;
}

/**
 * `NEW_MASTER_KEY`, 32 bytes: of the command `master-key:rewrap` alone; undefined when it is not set.
 *
 * @throws BadSettings
 */
export function readNewMasterKey(environment: EnvironmentVariables): Buffer | undefined {
  const reader = new SettingsReader(environment, [NEW_MASTER_KEY]);
  const key = readMasterKey(reader, NEW_MASTER_KEY);
  if (reader.faults.length > 0) throw new BadSettings(reader.faults);
  return key;
}

function readAdminToken(reader: SettingsReader): string | undefined {
  const token = reader.text('ADMIN_TOKEN');
  if (token !== undefined && token.length < 32) reader.faults.push('ADMIN_TOKEN must have at least 32 characters');
  return token;
}

const readApiLimits = (reader: SettingsReader) => ({
  apiRequestsPerMinute: reader.integer(
    'API_REQUESTS_PER_MINUTE',
    [0, 1_000_000],
    CONTROL_PLANE_DEFAULTS.apiRequestsPerMinute,
  ),
  trustedProxies:
    reader.parsed('TRUSTED_PROXIES', 'a comma-separated list of IP addresses and CIDRs', trustedProxiesOf) ??
    CONTROL_PLANE_DEFAULTS.trustedProxies,
  maxConnections: reader.integer('MAX_CONNECTIONS', [10, 1_000_000], CONTROL_PLANE_DEFAULTS.maxConnections),
  maxArtifactBytes: reader.integer(
    'MAX_ARTIFACT_BYTES',
    [1_024, 64 * 1024 * 1024],
    CONTROL_PLANE_DEFAULTS.maxArtifactBytes,
  ),
  projectMaxRevocations: reader.integer(
    'PROJECT_MAX_REVOCATIONS',
    [1, REVOCATION_LEDGER_LIMITS.entries],
    CONTROL_PLANE_DEFAULTS.projectMaxRevocations,
  ),
  projectLimits: readProjectLimits(reader),
});

/**
 * Reads and checks every setting.
 *
 * @throws BadSettings naming every fault
 */
export function readControlPlaneConfig(environment: EnvironmentVariables): ControlPlaneConfig {
  const reader = new SettingsReader(environment, CONTROL_PLANE_SECRETS);
  const roles = readRoles(reader);
  const dataDir = path.resolve(reader.text('DATA_DIR') ?? CONTROL_PLANE_DEFAULTS.dataDir);
  const config: ControlPlaneConfig = {
    host: reader.text('HOST') ?? CONTROL_PLANE_DEFAULTS.host,
    port: reader.integer('PORT', [0, 65_535], CONTROL_PLANE_DEFAULTS.port),
    databaseUrl: readDatabaseUrl(reader),
    dataDir,
    redisUrl: reader.redisUrl('REDIS_URL') ?? CONTROL_PLANE_DEFAULTS.redisUrl,
    redisTls: reader.redisTls(),
    roles,
    adminToken: readAdminToken(reader),
    masterKey: readMasterKey(reader, 'MASTER_KEY'),
    deployTimeoutMs: reader.integer('DEPLOY_TIMEOUT_MS', [1, 600_000], CONTROL_PLANE_DEFAULTS.deployTimeoutMs),
    deployHistoryLimit: reader.integer('DEPLOY_HISTORY_LIMIT', [1, 1_000], CONTROL_PLANE_DEFAULTS.deployHistoryLimit),
    auditCheckpointSeconds: reader.integer(
      'AUDIT_CHECKPOINT_SECONDS',
      [0, 86_400],
      CONTROL_PLANE_DEFAULTS.auditCheckpointSeconds,
    ),
    auditCheckpointFile: path.resolve(
      reader.text('AUDIT_CHECKPOINT_FILE') ?? path.join(dataDir, 'audit-checkpoints.jsonl'),
    ),
    ...readApiLimits(reader),
    logLevel: reader.oneOf('LOG_LEVEL', LOG_LEVELS, CONTROL_PLANE_DEFAULTS.logLevel),
  };
  const hasDatabase = reader.isGiven('DATABASE_URL');
  if (!roles.has('api') && !hasDatabase) {
    reader.faults.push('DATABASE_URL is required when ROLES has no api');
  }
  if ((hasDatabase || !roles.has('api')) && !reader.isGiven('MASTER_KEY')) {
    reader.faults.push('MASTER_KEY is required with DATABASE_URL');
  }
  if (reader.faults.length > 0) throw new BadSettings(reader.faults);
  return Object.freeze(config);
}
