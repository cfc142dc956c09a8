import { FailingWork } from './failing-work.ts';
import { CapturedLog } from './testing/index.ts';

describe('FailingWork', () => {
  const texts = { fails: 'it waits', works: 'it goes on' };
  const begin = (level?: 'error') => {
    const log = new CapturedLog();
    return { log, work: new FailingWork(log.logger, { ...texts, ...(level && { level }) }, { what: 'a list' }) };
  };
  const down = new Error('connect ECONNREFUSED');

  it('tells once that it fails and once that it works again, and how often it failed', () => {
    const { log, work } = begin();
    work.worked();
    for (let attempt = 0; attempt < 50; attempt += 1) work.failed(down);
    for (let attempt = 0; attempt < 3; attempt += 1) work.worked();
    expect(log.lines).toEqual([
      expect.objectContaining({ level: 'warn', msg: 'it waits', reason: down.message, what: 'a list' }),
      expect.objectContaining({ level: 'info', msg: 'it goes on', failures: 50, what: 'a list' }),
    ]);
  });

  it('tells of the next outage again, with its own count', () => {
    const { log, work } = begin('error');
    for (let outage = 0; outage < 2; outage += 1) {
      work.failed(down);
      work.worked();
    }
    expect(log.lines.map(({ level, failures }) => [level, failures])).toEqual([
      ['error', undefined],
      ['info', 1],
      ['error', undefined],
      ['info', 1],
    ]);
  });

  it('tells of each other cause, five at most', () => {
    const { log, work } = begin();
    for (let round = 0; round < 3; round += 1)
      for (let cause = 1; cause <= 7; cause += 1) work.failed(new Error(`cause ${cause}`));
    expect(log.lines.map(({ reason }) => reason)).toEqual([1, 2, 3, 4, 5].map((cause) => `cause ${cause}`));
    work.worked();
    expect(log.lines.at(-1)).toMatchObject({ failures: 21 });
  });
});
