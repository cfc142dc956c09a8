import { WorkQueue } from './work-queue.ts';

/** Work that ends when the test says so. */
function held() {
  let started = false;
  let end: (answer: string) => void = () => undefined;
  let fail: (reason: Error) => void = () => undefined;
  const work = (): Promise<string> => {
    started = true;
    return new Promise((resolve, reject) => {
      end = resolve;
      fail = reject;
    });
  };
  return {
    work,
    hasStarted: () => started,
    end: (answer: string) => end(answer),
    fail: (reason: Error) => fail(reason),
  };
}

describe('WorkQueue', () => {
  it('runs so much at once, keeps so much in line, in order, and refuses the rest without starting it', async () => {
    const queue = new WorkQueue({ atOnce: 1, waiting: 2 });
    const [first, second, third, tooMuch] = [held(), held(), held(), held()];
    const answers = [first, second, third].map(({ work }) => queue.run(work));

    expect(queue.run(tooMuch.work)).toBeUndefined();
    expect([first, second, third, tooMuch].map(({ hasStarted }) => hasStarted())).toEqual([true, false, false, false]);

    first.end('one');
    expect(await answers[0]).toBe('one');
    expect([second, third].map(({ hasStarted }) => hasStarted())).toEqual([true, false]);
    expect(queue.run(tooMuch.work)).toBeDefined();
    expect(queue.run(held().work)).toBeUndefined();

    second.end('two');
    expect(await answers[1]).toBe('two');
    third.end('three');
    expect(await answers[2]).toBe('three');
    expect(tooMuch.hasStarted()).toBe(true);
  });

  it('gives a place free when work fails or throws, and hands its failure on', async () => {
    const queue = new WorkQueue({ atOnce: 1, waiting: 1 });
    const failing = held();
    const failed = queue.run(failing.work);
    const thrown = queue.run(() => {
      throw new RangeError('at once');
    });
    failing.fail(new RangeError('later'));

    await expect(failed).rejects.toThrow('later');
    await expect(thrown).rejects.toThrow('at once');
    expect(await queue.run(() => Promise.resolve('next'))).toBe('next');
  });
});
