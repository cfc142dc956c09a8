import type { Slice } from '../slice.ts';
import { AuditController } from './audit.controller.ts';
import { CheckpointUpkeep } from './checkpoint-upkeep.ts';
import { HistoryGauges } from './history-gauges.ts';

export const auditSlice: Slice = {
  controllers: [AuditController],
  providers: [HistoryGauges, CheckpointUpkeep],
};
