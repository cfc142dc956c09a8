import { errorFacts, FrameworkLogger } from './logger.ts';
import { CapturedLog } from './testing/captured-log.ts';

describe('a log line', () => {
  it('has its level as a word, its time in ISO 8601 and its text', () => {
    const log = new CapturedLog();
    log.logger.warn({ proxy: 'orders' }, 'something');
    expect(log.lines).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
        proxy: 'orders',
        msg: 'something',
      },
    ]);
  });

  it('of the framework has the same form, its everyday messages at debug', () => {
    const log = new CapturedLog();
    const nest = new FrameworkLogger(log.logger);
    nest.log('mapped', 'Router');
    nest.error('failed', 'stack', 'Injector');
    expect(log.lines).toMatchObject([
      { level: 'debug', context: 'Router', msg: 'mapped' },
      { level: 'error', context: 'Injector', msg: 'failed' },
    ]);
  });

  it('says of an error only its message and its stack', () => {
    const error = Object.assign(new Error('WRONGPASS'), { command: { name: 'auth', args: ['hunter2'] } });
    expect(errorFacts(error)).toEqual({ reason: 'WRONGPASS', stack: error.stack });
    expect(errorFacts('text')).toEqual({ reason: 'text' });
  });
});
