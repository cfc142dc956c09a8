import path from 'node:path';
import { ENVIRONMENT } from './gateway-key.ts';
import { type StackOptions } from './stack-options.ts';
import { type ProcessPlan } from './supervised-process.ts';

export const HOST = '127.0.0.1';
export const GATEWAY_COUNT = 2;

export const controlPlaneUrl = (options: StackOptions): string => `http://${HOST}:${options.controlPlanePort}`;
export const gatewayUrl = (options: StackOptions, index: number): string =>
  `http://${HOST}:${options.gatewayPort + index}`;
export const adminUrl = (options: StackOptions, index: number): string => `http://${HOST}:${options.adminPort + index}`;
export const controlPlaneDataDir = (options: StackOptions): string => path.join(options.dataDir, 'control-plane');

/** The built program beside this one. */
const programOf = (appsDirectory: string, app: string): string => path.join(appsDirectory, app, 'src', 'main.js');

export interface PlanSources {
  readonly options: StackOptions;
  readonly appsDirectory: string;
  readonly redisUrl: string;
}

export function controlPlanePlan({ options, appsDirectory, redisUrl }: PlanSources): ProcessPlan {
  return {
    name: 'control-plane',
    script: programOf(appsDirectory, 'control-plane'),
    environment: {
      ...options.environment,
      HOST,
      PORT: String(options.controlPlanePort),
      REDIS_URL: redisUrl,
      DATA_DIR: controlPlaneDataDir(options),
    },
    readyUrl: `${controlPlaneUrl(options)}/readyz`,
    // The first time a database is created, after a crash it recovers.
    readyLimitMs: 180_000,
    stopLimitMs: 45_000,
  };
}

/** @param index 0 for gateway-1 */
export function gatewayPlan(
  { options, appsDirectory, redisUrl }: PlanSources,
  index: number,
  key: string,
): ProcessPlan {
  const name = `gateway-${index + 1}`;
  return {
    name,
    script: programOf(appsDirectory, 'gateway'),
    environment: {
      DRAIN_TIMEOUT_MS: '5000',
      ...options.environment,
      GATEWAY_ENVIRONMENT: ENVIRONMENT,
      GATEWAY_KEY: key,
      GATEWAY_ID: name,
      REDIS_URL: redisUrl,
      HOST,
      PORT: String(options.gatewayPort + index),
      ADMIN_HOST: HOST,
      ADMIN_PORT: String(options.adminPort + index),
      SNAPSHOT_DIR: path.join(options.dataDir, 'gateway', name),
    },
    readyUrl: `${adminUrl(options, index)}/readyz`,
    readyLimitMs: 60_000,
    stopLimitMs: 15_000,
  };
}
