import { jest } from '@jest/globals';
import { MetricsSource } from './metrics-source.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a source of metrics', () => {
  it('says whether it could be asked', async () => {
    expect(await new MetricsSource(async () => undefined).refreshed()).toBe(true);
    expect(await new MetricsSource(() => Promise.reject(new Error('away'))).refreshed()).toBe(false);
  });

  it('is not waited for while it hangs, and not asked again before it has answered', async () => {
    let asked = 0;
    let answer = (): void => undefined;
    const source = new MetricsSource(() => {
      asked += 1;
      return new Promise((resolve) => (answer = resolve));
    });
    for (let round = 0; round < 3; round += 1) {
      const refreshed = source.refreshed();
      await jest.advanceTimersByTimeAsync(1_000);
      expect(await refreshed).toBe(false);
    }
    expect(asked).toBe(1);
    answer();
    await jest.advanceTimersByTimeAsync(0);
    const again = source.refreshed();
    answer();
    expect(await again).toBe(true);
    expect(asked).toBe(2);
  });
});
