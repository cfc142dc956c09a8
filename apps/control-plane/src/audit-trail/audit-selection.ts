import { z } from 'zod';
import type { GlobalPosition } from '#libs/event-store';
import { nameField } from '../http/bodies/request-bodies.ts';
import { positionField } from './audit-position.ts';

/** Which events of the log are asked for. */
export interface AuditSelection {
  /** Left out: those of all projects, and those that belong to none. */
  readonly projectIds?: readonly string[];
  /** Recorded at this moment or later; milliseconds since 1970. */
  readonly fromMs?: number | undefined;
  /** Recorded before this moment; milliseconds since 1970. */
  readonly toMs?: number | undefined;
  /** Only what comes after this place in the global order. */
  readonly after?: GlobalPosition | undefined;
}

const momentField = z
  .string()
  // A query reads an unescaped plus as a blank.
  .transform((text) => text.replace(/ (?=\d\d:\d\d$)/, '+'))
  .pipe(z.iso.datetime({ offset: true, error: 'must be an ISO 8601 date and time, like 2026-03-01T12:00:00Z' }))
  .transform((text) => Date.parse(text));

const RANGE = { from: momentField.optional(), to: momentField.optional(), after: positionField.optional() };

interface Range {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}
const isForwards = ({ from, to }: Range): boolean => from === undefined || to === undefined || from < to;
const FORWARDS = { path: ['to'], error: 'must be later than from' };

/** What may be asked of one project's trail. */
export const PROJECT_AUDIT_QUERY = z.strictObject(RANGE).refine(isForwards, FORWARDS);

/** What may be asked of the whole trail. */
export const AUDIT_QUERY = z.strictObject({ ...RANGE, projectName: nameField.optional() }).refine(isForwards, FORWARDS);

export const selectionOf = ({ from, to, after }: z.infer<typeof PROJECT_AUDIT_QUERY>): AuditSelection => ({
  ...{ fromMs: from, toMs: to },
  after,
});
