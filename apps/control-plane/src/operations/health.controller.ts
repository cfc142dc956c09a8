import { Controller, Get, Header, HttpException, Inject } from '@nestjs/common';
import type pg from 'pg';
import { DATABASE } from '../injection-tokens.ts';
import { ControlPlaneMetrics } from './control-plane-metrics.ts';

@Controller()
export class HealthController {
  constructor(
    @Inject(DATABASE) private readonly database: pg.Pool,
    private readonly metrics: ControlPlaneMetrics,
  ) {}

  /** Alive as long as it answers. */
  @Get('healthz')
  health(): { status: string } {
    return { status: 'ok' };
  }

  /** Ready when it can record. */
  @Get('readyz')
  async ready(): Promise<{ status: string }> {
    try {
      await this.database.query('select 1');
    } catch {
      throw new HttpException('database', 503);
    }
    return { status: 'ready' };
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  exposition(): Promise<string> {
    return this.metrics.text();
  }
}
