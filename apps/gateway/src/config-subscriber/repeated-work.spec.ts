import { RepeatedWork } from './repeated-work.ts';

/** Work that a test ends by hand. */
class ManualWork {
  begun = 0;
  private endings: (() => void)[] = [];
  readonly work = (): Promise<void> => {
    this.begun += 1;
    return new Promise((resolve) => this.endings.push(resolve));
  };
  end(): void {
    this.endings.shift()?.();
  }
}

describe('RepeatedWork', () => {
  it('never overlaps, and does what was asked meanwhile by one more run', async () => {
    const manual = new ManualWork();
    const repeated = new RepeatedWork(manual.work, 3_600_000);
    const first = repeated.run();
    const asked = [repeated.run(), repeated.run(), repeated.run()];
    expect(manual.begun).toBe(1);
    manual.end();
    await first;
    await Promise.resolve();
    expect(manual.begun).toBe(2);
    manual.end();
    await Promise.all(asked);
    expect(manual.begun).toBe(2);
  });

  it('begins nothing once stopped, and is stopped when the last run is over', async () => {
    const manual = new ManualWork();
    const repeated = new RepeatedWork(manual.work, 3_600_000);
    void repeated.run();
    const asked = repeated.run();
    let isStopped = false;
    const stopped = repeated.stop().then(() => (isStopped = true));
    await Promise.resolve();
    expect(isStopped).toBe(false);
    manual.end();
    await Promise.all([stopped, asked]);
    await repeated.run();
    expect(manual.begun).toBe(1);
  });

  it('runs by itself', async () => {
    let runs = 0;
    const repeated = await new Promise<RepeatedWork>((resolve) => {
      const work: RepeatedWork = new RepeatedWork(async () => {
        runs += 1;
        if (runs === 3) resolve(work);
      }, 1);
      work.start();
    });
    await repeated.stop();
    expect(runs).toBeGreaterThanOrEqual(3);
  });
});
