import { NestFactory } from '@nestjs/core';
import { configView } from '../admin/config-view.ts';
import { GATEWAY_STATUS, type GatewayStatus } from '../admin/gateway-status.ts';
import type { GatewayConfig } from '../config/gateway.config.ts';
import { GatewayModule } from '../gateway.module.ts';
import { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import { FrameworkLogger, stopSignalHandler, type Logger } from '#libs/program-shell';
import { PrimaryLink } from './primary-link.ts';

type Context = Awaited<ReturnType<typeof NestFactory.createApplicationContext>>;

/** Answers what the primary asks, from what this gateway is now. */
function answersOf(context: Context): Parameters<PrimaryLink['serving']>[0] {
  const status = context.get<GatewayStatus>(GATEWAY_STATUS);
  const { registry } = context.get(GatewayMetrics);
  const now = () => ({ notReadyBecause: status.notReadyBecause, deployment: status.deployment });
  return {
    status: async () => now(),
    config: async () => ({ ...now(), view: configView(status) }),
    metrics: () => registry.getMetricsAsJSON(),
  };
}

/**
 * A whole gateway without admin endpoints of its own: the primary asks it what it needs for its. Ends the process when it is
 * told to stop or the primary is gone, after requests in flight.
 *
 * @param plainReason the line to say of an error that a person can put right; undefined: of any other
 */
export async function serveAsWorker(
  config: GatewayConfig,
  logger: Logger,
  plainReason: (error: unknown) => string | undefined,
): Promise<void> {
  let stopping: Promise<void> | undefined;
  const stop = (): void => void (stopping ??= end());
  const primary = new PrimaryLink({ onStop: stop });
  // Ctrl-C goes to every process of the terminal: the primary says what is to become of it.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', stopSignalHandler({ stop, hurry: () => process.exit(1), nowMs: () => performance.now() }));
  const starting = NestFactory.createApplicationContext(GatewayModule.forConfig(config, logger, Date.now, primary), {
    logger: new FrameworkLogger(logger),
    abortOnError: false,
  });
  const end = async (): Promise<void> => {
    // One that cannot start ends by itself, and says why.
    const context = await starting.catch(() => undefined);
    if (context === undefined) return;
    await context.close();
    await primary.tell({
      kind: 'last-metrics',
      metrics: await context.get(GatewayMetrics).registry.getMetricsAsJSON(),
    });
    process.exit(0);
  };
  try {
    primary.serving(answersOf(await starting));
  } catch (error) {
    const message = plainReason(error);
    if (message === undefined) console.error(error);
    else await primary.tell({ kind: 'cannot-start', message });
    process.exit(1);
  }
}
