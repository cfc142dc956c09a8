import { Module, type DynamicModule } from '@nestjs/common';
import { ConfigController } from './admin/config.controller.ts';
import { GATEWAY_STATUS } from './admin/gateway-status.ts';
import { HealthController } from './admin/health.controller.ts';
import { MetricsController } from './admin/metrics.controller.ts';
import type { GatewayConfig } from './config/gateway.config.ts';
import { GatewayLifecycle } from './gateway-lifecycle.ts';
import { joinParts, type GatewayParts } from './gateway-parts.ts';
import type { ConnectionAcceptor } from './http-server/listener/connection-acceptor.port.ts';
import { CONNECTION_ACCEPTOR, GATEWAY_CONFIG, GATEWAY_PARTS, LOGGER } from './injection-tokens.ts';
import type { Logger } from '#libs/program-shell';
import { GatewayMetrics } from './metrics/gateway-metrics.ts';

/** Composition root: settings, lifecycle and admin endpoints. The request path below `GatewayParts` knows no Nest. */
@Module({})
export class GatewayModule {
  /** @param acceptor accepts connections for this process; null: it listens itself */
  static forConfig(
    config: GatewayConfig,
    logger: Logger,
    nowMs: () => number,
    acceptor: ConnectionAcceptor | null = null,
  ): DynamicModule {
    return {
      module: GatewayModule,
      controllers: [HealthController, MetricsController, ConfigController],
      providers: [
        { provide: GATEWAY_CONFIG, useValue: config },
        { provide: LOGGER, useValue: logger },
        { provide: CONNECTION_ACCEPTOR, useValue: acceptor },
        { provide: GATEWAY_PARTS, useFactory: () => joinParts(config, logger, nowMs) },
        { provide: GatewayMetrics, useFactory: (parts: GatewayParts) => parts.metrics, inject: [GATEWAY_PARTS] },
        GatewayLifecycle,
        { provide: GATEWAY_STATUS, useExisting: GatewayLifecycle },
      ],
    };
  }
}
