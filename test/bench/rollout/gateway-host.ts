/**
 * A process with some gateways, as built, and a probe of each. It asks nothing until Redis hints that something changed:
 * looking out must not take the time of what is measured.
 */
import 'reflect-metadata';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisConfigChannel } from '#libs/config-distribution';
import { createLogger, type Logger } from '#libs/program-shell';
import { freePortsInARow } from '#libs/program-shell/testing';
import { until } from '../../support/until.ts';
import { EnforcementProbe } from './enforcement-probe.ts';
import type { AwaitedChange, HostedGateways, HostMessage } from './host-messages.ts';

const DIST = path.resolve(import.meta.dirname, '../../../dist/apps/gateway/src');
const READY_WITHIN_MS = 120_000;
/** Hints can be lost. */
const HINT_WITHIN_MS = 1_000;

interface StartedGateway {
  readonly trafficPort: number;
}

async function builtGateway() {
  const config = (await import(path.join(DIST, 'config/gateway.config.js'))) as {
    readonly readGatewayConfig: (environment: Readonly<Record<string, string>>, hostName: string) => unknown;
  };
  const start = (await import(path.join(DIST, 'start-gateway.js'))) as {
    readonly startGateway: (config: unknown, logger: Logger) => Promise<StartedGateway>;
  };
  return { ...config, ...start };
}

const tell = (message: HostMessage): void => void process.send?.(message);

async function startAll(hosted: HostedGateways): Promise<EnforcementProbe[]> {
  const { readGatewayConfig, startGateway } = await builtGateway();
  const logger = createLogger('error');
  const probes: EnforcementProbe[] = [];
  for (const gatewayId of hosted.gatewayIds) {
    const [adminPort = 0] = await freePortsInARow(1);
    const config = readGatewayConfig(
      {
        ...{ GATEWAY_ENVIRONMENT: hosted.environment, GATEWAY_KEY: hosted.gatewayKey, REDIS_URL: hosted.redisUrl },
        ...{ GATEWAY_ID: gatewayId, SNAPSHOT_DIR: path.join(hosted.directory, gatewayId) },
        ...{ PORT: '0', ADMIN_PORT: String(adminPort) },
      },
      gatewayId,
    );
    const { trafficPort } = await startGateway(config, logger);
    const isReady = async () => (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status === 200;
    await until(`${gatewayId} is ready`, isReady, READY_WITHIN_MS);
    probes.push(new EnforcementProbe(trafficPort));
  }
  return probes;
}

const hosted = JSON.parse(process.argv[2] ?? '') as HostedGateways;
const probes = await startAll(hosted);
const hints = new EventTarget();
const redis = new Redis(hosted.redisUrl);
await new RedisConfigChannel(redis, hosted.environment).watch('changes', () => hints.dispatchEvent(new Event('hint')));

async function lookOutFor(awaited: AwaitedChange): Promise<void> {
  const { change } = awaited;
  for (const probe of probes) await probe.requireNotYet(awaited);
  const hint = Promise.race([once(hints, 'hint'), pause(HINT_WITHIN_MS)]);
  tell({ kind: 'looking', change });
  await hint;
  for (const probe of probes) await probe.enforced(awaited);
  const atNs = String(process.hrtime.bigint());
  for (const probe of probes) await probe.requireLetThrough(awaited);
  tell({ kind: 'enforced', change, atNs });
}

process.on('message', (awaited: AwaitedChange) => {
  lookOutFor(awaited).catch((error: unknown) => tell({ kind: 'failed', reason: String(error) }));
});
process.on('disconnect', () => process.exit(0));
tell({ kind: 'ready' });
