import { type HistoryKeys, isSameMac } from '../history-keys.ts';
import { readStoredEvent } from '../recorded-event-row.ts';
import { type AuditedRow } from './audited-row.ts';
import { faultOf, type HistoryFault, nameEvent } from './history-fault.ts';

/** How far a stream was followed. */
export interface Link {
  readonly version: number;
  /** Hexadecimal; undefined before the first event. */
  readonly mac: string | undefined;
}

export const NO_LINK: Link = { version: 0, mac: undefined };

/**
 * Whether an event is, as it stands, the one that was recorded after `before`.
 *
 * @param before the event before it in its stream, whose MAC was found right
 */
export function checkLink(before: Link, row: AuditedRow, keys: HistoryKeys): HistoryFault | undefined {
  const fault = (kind: HistoryFault['kind'], problem: string) => faultOf(kind, nameEvent(row), problem);
  if (row.version <= before.version || row.version < 1) {
    return fault('out-of-order', `version ${row.version} stands in the log behind version ${before.version}`);
  }
  if (row.version > before.version + 1) {
    return fault('predecessor-missing', `${missingVersions(before.version, row.version)} before it`);
  }
  if (row.mac === null) return fault('mac-missing', 'it has no MAC');
  if (isAsRecorded(before, row, keys)) return undefined;
  return fault('changed', 'its MAC does not fit: something of it was changed, or it was not recorded by this program');
}

function missingVersions(before: number, after: number): string {
  const [first, last] = [before + 1, after - 1];
  return first === last ? `version ${first} is missing` : `versions ${first} to ${last} are missing`;
}

function isAsRecorded(before: Link, row: AuditedRow, keys: HistoryKeys): boolean {
  if (row.mac === null || row.has_odd_time) return false;
  const previous = before.mac === undefined ? null : Buffer.from(before.mac, 'hex');
  try {
    return isSameMac(row.mac, keys.eventMac(previous, readStoredEvent({ ...row, mac: row.mac })));
  } catch {
    // Such as a time that is none, or data nested deeper than any program here writes.
    return false;
  }
}
