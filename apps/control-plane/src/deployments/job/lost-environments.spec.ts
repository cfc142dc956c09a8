import { jest } from '@jest/globals';
import { ChannelUnavailable } from '#libs/config-distribution';
import { LostEnvironments } from './lost-environments.ts';

describe('an environment whose Redis has just not answered', () => {
  it('is given up for a moment by all, for the same reason, and tried again after it', () => {
    jest.useFakeTimers();
    const lost = new LostEnvironments();
    const failure = new ChannelUnavailable('e', new Error('away'));
    lost.note('e', failure);
    expect(() => lost.requireHope('e')).toThrow(failure);
    expect(() => lost.requireHope('another')).not.toThrow();
    jest.advanceTimersByTime(1_000);
    expect(() => lost.requireHope('e')).not.toThrow();
    jest.useRealTimers();
  });
});
