import type { Slice } from '../slice.ts';
import { AuditExports } from './audit-exports.ts';
import { AuditTrailController } from './audit-trail.controller.ts';

export const auditTrailSlice: Slice = {
  controllers: [AuditTrailController],
  providers: [AuditExports],
};
