import { REDIS_URL_FORM } from '#libs/redis-clients';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { gatewayKeyText, newGatewayKey } from '#libs/config-distribution';
import { LISTENER_DEFAULTS } from '../http-server/listener/listener-settings.ts';
import { DEFAULT_LIMITS } from '../http-server/request-limits.ts';
import { UPSTREAM_POOL_LIMITS } from '../upstream/upstream-pool.ts';
import { readGatewayConfig } from './gateway.config.ts';
import { BadSettings } from '#libs/program-shell';

const gatewayKey = newGatewayKey();
const required = { GATEWAY_ENVIRONMENT: 'production', GATEWAY_KEY: gatewayKeyText(gatewayKey) };
const read = (variables: Record<string, string> = {}) =>
  readGatewayConfig({ ...required, ...variables }, 'edge.example');

function faultsOf(variables: Record<string, string | undefined>): readonly string[] {
  try {
    readGatewayConfig(variables, 'edge');
  } catch (error) {
    if (error instanceof BadSettings) return error.faults;
    throw error;
  }
  return [];
}

describe('the settings of a gateway', () => {
  it('have the defaults of the contract', () => {
    expect(read()).toEqual({
      environment: 'production',
      gatewayKey,
      redisUrl: 'redis://127.0.0.1:6379',
      redisTls: {},
      host: '127.0.0.1',
      port: 8080,
      adminHost: '127.0.0.1',
      adminPort: 9090,
      rootContext: '',
      gatewayId: 'edge.example-8080',
      snapshotDir: path.resolve('.data/gateway/edge.example-8080'),
      trustedProxies: [],
      jwksAllowPrivateHosts: false,
      jwksStaleLimitSeconds: 86_400,
      tokenCache: { entries: 10_000, bytes: 33_554_432 },
      limits: DEFAULT_LIMITS,
      listener: LISTENER_DEFAULTS,
      upstreamLimits: UPSTREAM_POOL_LIMITS,
      upstreamFiles: {},
      addsForwarded: false,
      accessLog: undefined,
      traces: undefined,
      loginFailuresPerUser: 10,
      loginFailuresPerAddress: 100,
      loginBlockSeconds: 300,
      passwordChecksWaiting: 64,
      drainTimeoutMs: 30_000,
      faultCodes: 'documented',
      logLevel: 'info',
      workers: 1,
    });
  });

  it('are read from every variable', () => {
    const config = read({
      REDIS_URL: 'rediss://user:secret@redis:6380/2',
      HOST: '0.0.0.0',
      PORT: '8443',
      ADMIN_HOST: '::1',
      ADMIN_PORT: '9999',
      ROOT_CONTEXT: '/apigateway/',
      GATEWAY_ID: 'edge-1',
      SNAPSHOT_DIR: '/var/lib/gateway',
      WORKERS: '4',
      TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.1,2001:db8::/32',
      JWKS_ALLOW_PRIVATE_HOSTS: 'true',
      JWKS_STALE_LIMIT_SECONDS: '0',
      VERIFIED_TOKEN_CACHE_ENTRIES: '5',
      VERIFIED_TOKEN_CACHE_BYTES: '6000',
      LOGIN_FAILURES_PER_USER: '0',
      LOGIN_FAILURES_PER_ADDRESS: '1000',
      LOGIN_BLOCK_SECONDS: '60',
      PASSWORD_CHECKS_WAITING: '1',
      DRAIN_TIMEOUT_MS: '0',
      FAULT_CODES: 'observed',
      LOG_LEVEL: 'debug',
    });
    expect(config).toEqual({
      ...read(),
      environment: 'production',
      gatewayKey,
      redisUrl: 'rediss://user:secret@redis:6380/2',
      host: '0.0.0.0',
      port: 8443,
      adminHost: '::1',
      adminPort: 9999,
      rootContext: '/apigateway',
      gatewayId: 'edge-1',
      snapshotDir: '/var/lib/gateway',
      trustedProxies: ['10.0.0.0/8', '192.0.2.1', '2001:db8::/32'],
      jwksAllowPrivateHosts: true,
      jwksStaleLimitSeconds: 0,
      tokenCache: { entries: 5, bytes: 6_000 },
      loginFailuresPerUser: 0,
      loginFailuresPerAddress: 1_000,
      loginBlockSeconds: 60,
      passwordChecksWaiting: 1,
      drainTimeoutMs: 0,
      faultCodes: 'observed',
      logLevel: 'debug',
      workers: 4,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('take an empty variable as not set, and / as no root context', () => {
    expect(read({ PORT: '', ROOT_CONTEXT: '/' })).toMatchObject({ port: 8080, rootContext: '' });
  });

  it.each(['VERIFIED_TOKEN_CACHE_ENTRIES', 'VERIFIED_TOKEN_CACHE_BYTES'])('remember no tokens when %s is 0', (name) => {
    expect(read({ [name]: '0' })).toMatchObject({ tokenCache: undefined });
    expect(faultsOf({ ...required, [name]: '-1' })).toEqual([expect.stringContaining(name)]);
  });

  it('name every fault at once', () => {
    expect(
      faultsOf({
        GATEWAY_KEY: 'gwk_wrong',
        REDIS_URL: 'http://redis',
        PORT: '70000',
        ADMIN_PORT: '0',
        ROOT_CONTEXT: 'apigateway',
        GATEWAY_ID: '../elsewhere',
        WORKERS: '257',
        TRUSTED_PROXIES: '10.0.0.0/33',
        JWKS_ALLOW_PRIVATE_HOSTS: 'yes',
        JWKS_STALE_LIMIT_SECONDS: '1d',
        LOGIN_FAILURES_PER_USER: '-1',
        LOGIN_FAILURES_PER_ADDRESS: '1000001',
        LOGIN_BLOCK_SECONDS: '0',
        PASSWORD_CHECKS_WAITING: '0',
        DRAIN_TIMEOUT_MS: '-1',
        FAULT_CODES: 'both',
        LOG_LEVEL: 'loud',
      }),
    ).toEqual([
      'GATEWAY_ENVIRONMENT is required',
      'GATEWAY_KEY must be the text that was shown when it was made (gwk_…)',
      'PORT must be a whole number from 0 to 65535',
      'ADMIN_PORT must be a whole number from 1 to 65535',
      'GATEWAY_ID must be 1 to 200 letters, digits or . _ -, not starting with a dot',
      `REDIS_URL must be ${REDIS_URL_FORM}`,
      'ROOT_CONTEXT must be a path such as /apigateway',
      'TRUSTED_PROXIES must be a comma-separated list of IP addresses and CIDRs',
      'JWKS_ALLOW_PRIVATE_HOSTS must be one of true, false',
      'JWKS_STALE_LIMIT_SECONDS must be a whole number from 0 to 31536000',
      'LOGIN_FAILURES_PER_USER must be a whole number from 0 to 1000000',
      'LOGIN_FAILURES_PER_ADDRESS must be a whole number from 0 to 1000000',
      'LOGIN_BLOCK_SECONDS must be a whole number from 1 to 86400',
      'PASSWORD_CHECKS_WAITING must be a whole number from 1 to 10000',
      'DRAIN_TIMEOUT_MS must be a whole number from 0 to 3600000',
      'FAULT_CODES must be one of documented, observed',
      'LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent',
      'WORKERS must be a whole number from 0 to 256',
    ]);
  });

  it('never repeat a value in a message', () => {
    const variables = { GATEWAY_KEY: `${required.GATEWAY_KEY}x`, REDIS_URL: 'http://user:hunter2@redis' };
    const message = new BadSettings(faultsOf(variables)).message;
    expect(message).not.toContain('hunter2');
    expect(message).not.toContain(required.GATEWAY_KEY.slice(-43));
  });

  it.each(['1e3', '0x50', ' 80', '80.0', '+80'])('take %j as no port', (port) => {
    expect(faultsOf({ ...required, PORT: port })).toEqual(['PORT must be a whole number from 0 to 65535']);
  });

  it('refuse one address for traffic and admin', () => {
    expect(faultsOf({ ...required, PORT: '9090' })).toEqual(['ADMIN_PORT must differ from PORT']);
    expect(faultsOf({ ...required, PORT: '9090', HOST: '127.0.0.2' })).toEqual([]);
  });

  it('make as many workers as there are cores of WORKERS=0', () => {
    expect(read({ WORKERS: '0' }).workers).toBe(availableParallelism());
  });

  it('leave room in GATEWAY_ID for the number of a worker', () => {
    const longest = 'g'.repeat(200);
    expect(faultsOf({ ...required, GATEWAY_ID: longest })).toEqual([]);
    expect(faultsOf({ ...required, GATEWAY_ID: longest, WORKERS: '12' })).toEqual([
      'GATEWAY_ID must have at most 197 characters: each of the 12 workers adds a dot and its number',
    ]);
    expect(faultsOf({ ...required, GATEWAY_ID: 'g'.repeat(197), WORKERS: '12' })).toEqual([]);
  });

  it('make a safe GATEWAY_ID of any host name', () => {
    expect(readGatewayConfig(required, 'edge/1 ü').gatewayId).toBe('edge-1---8080');
  });
});
