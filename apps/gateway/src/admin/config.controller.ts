import { Controller, Get, Inject } from '@nestjs/common';
import { configView, type ConfigView } from './config-view.ts';
import { GATEWAY_STATUS, type GatewayStatus } from './gateway-status.ts';

/** What is really served, for inspection. No secrets. */
@Controller('config')
export class ConfigController {
  constructor(@Inject(GATEWAY_STATUS) private readonly status: GatewayStatus) {}

  @Get()
  read(): ConfigView {
    return configView(this.status);
  }
}
