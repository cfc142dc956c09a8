import { Controller, Get, Header, Inject } from '@nestjs/common';
import { EVENT_STORE, type PostgresEventStore } from '#libs/event-store';
import { unavailable } from '../decider/domain-error.ts';
import { ControlPlaneMetrics } from './control-plane-metrics.ts';

@Controller()
export class HealthController {
  constructor(
    @Inject(EVENT_STORE) private readonly store: PostgresEventStore,
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
    const takesChanges = await this.store.takesChanges().catch(() => {
      throw unavailable('the database cannot be reached');
    });
    if (!takesChanges) throw unavailable('the database is read-only: it answers, and takes no changes');
    return { status: 'ready' };
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  exposition(): Promise<string> {
    return this.metrics.text();
  }
}
