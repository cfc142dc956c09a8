import path from 'node:path';
import { BadSettings } from '#libs/program-shell';
import { CONTROL_PLANE_DEFAULTS, CONTROL_PLANE_SECRETS, readControlPlaneConfig } from './control-plane.config.ts';
import { PROJECT_LIMITS } from '../projects/domain/project-limits.ts';
import { SETTINGS_HELP } from './settings-help.ts';

const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');

function faultsOf(environment: Readonly<Record<string, string>>): readonly string[] {
  try {
    readControlPlaneConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof BadSettings) return error.faults;
    throw error;
  }
}

describe('the settings of the control plane', () => {
  it('are their defaults when nothing is set, or set to nothing', () => {
    const defaults = {
      ...CONTROL_PLANE_DEFAULTS,
      dataDir: path.resolve(CONTROL_PLANE_DEFAULTS.dataDir),
      auditCheckpointFile: path.resolve(CONTROL_PLANE_DEFAULTS.dataDir, 'audit-checkpoints.jsonl'),
      ...{ databaseUrl: undefined, adminToken: undefined, masterKey: undefined },
      redisTls: {},
      roles: new Set(['api', 'deployer']),
    };
    expect(readControlPlaneConfig({})).toEqual(defaults);
    expect(readControlPlaneConfig({ PORT: '', ROLES: '', DATABASE_URL: '', MASTER_KEY: '' })).toEqual(defaults);
  });

  it('are what is set', () => {
    const config = readControlPlaneConfig({
      ...{ HOST: '0.0.0.0', PORT: '0', DATABASE_URL: 'postgresql://h/d', DATA_DIR: '/data', REDIS_URL: 'rediss://h' },
      ...{ ROLES: 'deployer', ADMIN_TOKEN: 'x'.repeat(32), MASTER_KEY, DEPLOY_TIMEOUT_MS: '1', LOG_LEVEL: 'debug' },
      ...{ DEPLOY_HISTORY_LIMIT: '7', AUDIT_CHECKPOINT_SECONDS: '0', AUDIT_CHECKPOINT_FILE: '/audit/file' },
      ...{ API_REQUESTS_PER_MINUTE: '0', MAX_CONNECTIONS: '10', MAX_ARTIFACT_BYTES: '1024', PROJECT_MAX_PROXIES: '3' },
      PROJECT_MAX_REVOCATIONS: '9',
      TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.1',
    });
    expect(config).toEqual({
      ...{
        host: '0.0.0.0',
        port: 0,
        databaseUrl: 'postgresql://h/d',
        dataDir: '/data',
        redisUrl: 'rediss://h',
        redisTls: {},
      },
      ...{ roles: new Set(['deployer']), adminToken: 'x'.repeat(32), masterKey: Buffer.alloc(32, 7) },
      ...{ deployTimeoutMs: 1, logLevel: 'debug' },
      ...{ deployHistoryLimit: 7, auditCheckpointSeconds: 0, auditCheckpointFile: '/audit/file' },
      ...{ apiRequestsPerMinute: 0, maxConnections: 10, maxArtifactBytes: 1_024 },
      projectMaxRevocations: 9,
      trustedProxies: ['10.0.0.0/8', '192.0.2.1'],
      projectLimits: { ...CONTROL_PLANE_DEFAULTS.projectLimits, proxies: 3 },
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('are refused with every fault at once, and never a value', () => {
    const secret = 'hunter2';
    const environment = {
      ...{ PORT: '65536', DATABASE_URL: `mysql://root:${secret}@h`, REDIS_URL: `http://${secret}`, ROLES: secret },
      ...{ ADMIN_TOKEN: secret, MASTER_KEY: secret, DEPLOY_TIMEOUT_MS: secret, LOG_LEVEL: secret },
    };
    const faults = faultsOf(environment);
    for (const name of Object.keys(environment)) {
      expect(faults.filter((fault) => fault.startsWith(name))).toHaveLength(1);
    }
    expect(faults.join()).not.toContain(secret);
    expect(new BadSettings(faults).message).toBe(`bad settings: ${faults.join('; ')}`);
  });

  it.each([
    ['PORT', '-1'],
    ['PORT', '1.5'],
    ['PORT', 'http'],
    ['DATABASE_URL', 'h:5432/d'],
    ['REDIS_URL', 'localhost'],
    ['ROLES', 'api,gateway'],
    ['ROLES', ','],
    ['ADMIN_TOKEN', 'x'.repeat(31)],
    ['MASTER_KEY', Buffer.alloc(31).toString('base64')],
    ['MASTER_KEY', 'ab'.repeat(32)],
    ['DEPLOY_TIMEOUT_MS', '0'],
    ['LOG_LEVEL', 'INFO'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', 'proxy.example'],
  ])('refuse %s=%s', (name, value) => {
    const faults = faultsOf({ MASTER_KEY, [name]: value });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(new RegExp(`^${name} `));
  });

  it('take roles with blanks, in any order', () => {
    expect(readControlPlaneConfig({ ROLES: ' deployer , api' }).roles).toEqual(new Set(['api', 'deployer']));
  });

  it('need a master key beside a database', () => {
    expect(faultsOf({ DATABASE_URL: 'postgres://h/d' })).toEqual(['MASTER_KEY is required with DATABASE_URL']);
  });

  it('need both a database and its master key for a deployer alone, and say so at once', () => {
    const faults = faultsOf({ ROLES: 'deployer' });
    expect(faults.map((fault) => fault.split(' ')[0]).sort()).toEqual(['DATABASE_URL', 'MASTER_KEY']);
  });

  it('say of a file that cannot be read that alone, not that the setting is missing', () => {
    const files = { DATABASE_URL_FILE: '/none/database-url', MASTER_KEY_FILE: '/none/master-key' };
    expect(faultsOf({ ROLES: 'deployer', ...files }).toSorted()).toEqual([
      'DATABASE_URL_FILE cannot be read (ENOENT)',
      'MASTER_KEY_FILE cannot be read (ENOENT)',
    ]);
  });

  it('take every secret from a file too, and the help names it', () => {
    for (const name of CONTROL_PLANE_SECRETS) {
      expect(faultsOf({ MASTER_KEY, [`${name}_FILE`]: '/none' }).join()).toContain(`${name}_FILE `);
      expect(SETTINGS_HELP).toMatch(new RegExp(`\\b${name}_FILE\\b`));
    }
  });

  it('are all in the help', () => {
    for (const name of [
      ...['HOST', 'PORT', 'DATABASE_URL', 'DATA_DIR', 'REDIS_URL', 'ROLES', 'ADMIN_TOKEN', 'MASTER_KEY'],
      ...['DEPLOY_TIMEOUT_MS', 'LOG_LEVEL', 'API_REQUESTS_PER_MINUTE', 'MAX_CONNECTIONS', 'MAX_ARTIFACT_BYTES'],
      'TRUSTED_PROXIES',
      'PROJECT_MAX_REVOCATIONS',
      ...Object.values(PROJECT_LIMITS).map(({ setting }) => setting),
    ]) {
      expect(SETTINGS_HELP).toMatch(new RegExp(`\\b${name}\\b`));
    }
  });
});
