import { Module, type DynamicModule } from '@nestjs/common';
import { WorkersController } from './workers.controller.ts';
import { WORKERS_INSPECTION, type WorkersInspection } from './workers-inspection.ts';

/** The admin endpoints of a process that only supervises workers. */
@Module({})
export class WorkersModule {
  static forInspection(inspection: WorkersInspection): DynamicModule {
    return {
      module: WorkersModule,
      controllers: [WorkersController],
      providers: [{ provide: WORKERS_INSPECTION, useValue: inspection }],
    };
  }
}
