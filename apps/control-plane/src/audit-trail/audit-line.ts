import type { GlobalPosition } from '#libs/event-store';
import { positionText } from './audit-position.ts';
import type { AuditRow } from './audit-rows.ts';

export const positionOf = (row: Pick<AuditRow, 'epoch' | 'transaction_id' | 'sequence'>): GlobalPosition => ({
  epoch: row.epoch,
  transactionId: row.transaction_id,
  sequence: row.sequence,
});

/**
 * One line of JSON, without its end. `data` goes in as the database wrote it out, in the shape in which it was recorded:
 * what the MAC covers.
 */
export function auditLine(row: AuditRow): string {
  const { actor, requestId, reason, idempotencyKey } = row.metadata;
  const before = JSON.stringify({
    position: positionText(positionOf(row)),
    at: row.recorded_at.toISOString(),
    type: row.type,
    schemaVersion: row.schema_version,
    project: row.project_id === null ? null : { id: row.project_id, name: row.project_name },
    subject: { kind: row.kind, id: row.subject_id, name: row.subject_name },
    ...{ stream: row.stream_id, version: row.version, eventId: row.event_id },
    ...{ actor, requestId, reason, idempotencyKey },
  });
  return `${before.slice(0, -1)},"data":${row.data},"mac":"${row.mac.toString('hex')}"}`;
}
