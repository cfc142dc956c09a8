import { rebuildReport } from './rebuild-report.ts';

describe('the report of a rebuild', () => {
  it('says once a second how far it is, and in the end how much it was', () => {
    let nowMs = 5_000;
    const said: string[] = [];
    const report = rebuildReport(
      'projects',
      (line) => said.push(line),
      () => nowMs,
    );
    for (const [atMs, eventsDone] of [
      [5_400, 1_000],
      [6_000, 2_000],
      [6_900, 3_000],
      [7_000, 4_500],
    ] as const) {
      nowMs = atMs;
      report.progress({ eventsDone, eventsTotal: 4_000 });
    }
    expect(said).toEqual([
      'projects: 2000 of 4000 events, 2000 events/s',
      'projects: 4500 of 4500 events, 2250 events/s',
    ]);
    expect(report.done()).toBe('projects: rebuilt from 4500 events, 2250 events/s');
  });
});
