import { Controller, Get, Header, Inject, ServiceUnavailableException } from '@nestjs/common';
import { WORKERS_INSPECTION, type WorkersConfigView, type WorkersInspection } from './workers-inspection.ts';

/** Health, metrics and inspection of a gateway of several processes: the same paths as of one. */
@Controller()
export class WorkersController {
  constructor(@Inject(WORKERS_INSPECTION) private readonly workers: WorkersInspection) {}

  /** 200 while the primary lives, whatever its workers do. */
  @Get('healthz')
  health(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 503 unless every wanted worker is ready. */
  @Get('readyz')
  async ready(): Promise<{ status: 'ready'; deployment: number }> {
    const { notReadyBecause: reason, deployment } = await this.workers.status();
    if (reason !== null) throw new ServiceUnavailableException({ status: 'not ready', reason });
    return { status: 'ready', deployment };
  }

  @Get('config')
  config(): Promise<WorkersConfigView> {
    return this.workers.config();
  }

  /** Prometheus text format. */
  @Get('metrics')
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  metrics(): Promise<string> {
    return this.workers.metrics();
  }
}
