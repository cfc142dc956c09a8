import { Controller, Get, HttpCode, HttpStatus, Inject, ServiceUnavailableException } from '@nestjs/common';
import { GATEWAY_STATUS, type GatewayStatus } from './gateway-status.ts';

/** For whoever starts, stops and balances gateways. */
@Controller()
export class HealthController {
  constructor(@Inject(GATEWAY_STATUS) private readonly status: GatewayStatus) {}

  /** 200 while the process lives, whatever else is away. */
  @Get('healthz')
  @HttpCode(HttpStatus.OK)
  health(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 503 until a configuration is loaded, and while the gateway stops or its key is not accepted. */
  @Get('readyz')
  @HttpCode(HttpStatus.OK)
  ready(): { status: 'ready'; deployment: number } {
    const { notReadyBecause: reason, deployment } = this.status;
    if (reason !== null) throw new ServiceUnavailableException({ status: 'not ready', reason });
    return { status: 'ready', deployment };
  }
}
