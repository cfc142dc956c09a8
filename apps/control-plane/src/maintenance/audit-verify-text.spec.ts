import { describe, expect, it } from '@jest/globals';
import type { HistoryReport } from '#libs/event-store';
import { verificationText } from './audit-verify-text.ts';

const report: HistoryReport = {
  ...{ events: 36, streams: 7, faultCount: 0, faults: [], onlyChained: 2, files: [] },
  anchor: { checkpoint: 3, events: 34, takenAt: '2026-11-22T03:21:22.872Z' },
};

describe('the report of audit:verify', () => {
  it('says that what comes after a fault was not judged, and only then', () => {
    const faulty = verificationText({ ...report, faultCount: 1, faults: [{ kind: 'changed', problem: 'no MAC' }] });
    expect(faulty).toContain('nothing is said of those after it');
    expect(verificationText(report)).not.toContain('nothing is said');
  });

  it('tells events behind the checkpoint from those of a history that has none', () => {
    expect(verificationText(report)).toContain('\n2 events behind it only chained');
    const unanchored = verificationText({ ...report, anchor: undefined });
    expect(unanchored).toContain('the database has no checkpoint.\n2 events only chained');
  });
});
