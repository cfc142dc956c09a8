import { CapturedLog } from '#libs/program-shell/testing';
import { healthLog } from './upstream-metrics.ts';

describe('the log of the health of upstreams', () => {
  it('has a line when an address ceases to take part, and one when it answers again', () => {
    const captured = new CapturedLog();
    const log = healthLog(captured.logger);
    log.ejected('http://a.test', 20_000);
    log.readmitted('http://a.test');
    expect(captured.lines).toMatchObject([
      { level: 'warn', origin: 'http://a.test', forSeconds: 20 },
      { level: 'info', origin: 'http://a.test' },
    ]);
  });
});
