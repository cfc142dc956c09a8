import { jest } from '@jest/globals';
import { WaitingDeployments, type WaitingDeployment } from './waiting-deployments.ts';

const named = (deployment: number, proxyId = 'p', environmentId = 'e') => ({ environmentId, proxyId, deployment });
const ROOM = 400;

/** Begins to wait, until the signal says that it is to end. */
function begin(waiting: WaitingDeployments, ...of: Parameters<typeof named>) {
  let one: WaitingDeployment | undefined;
  const ended = waiting.during(named(...of), async (begun) => {
    one = begun;
    if (begun.signal.aborted) return;
    await new Promise((resolve) => begun.signal.addEventListener('abort', resolve));
  });
  if (one === undefined) throw new Error('it has not begun');
  return { one, ended };
}

describe('a deployment that waits for answers', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('is told when a newer one of its proxy begins in this process, and of no other', async () => {
    const waiting = new WaitingDeployments({ overtaken: () => Promise.resolve([]) });
    const older = begin(waiting, 1);
    const others = [begin(waiting, 3), begin(waiting, 1, 'another'), begin(waiting, 1, 'p', 'elsewhere')];
    waiting.begins(named(2));
    await older.ended;
    expect(older.one.overtakenBy).toBe(2);
    expect(others.map(({ one }) => one.signal.aborted)).toEqual([false, false, false]);
  });

  it('is told by a look at the rows what another process was asked for; nobody looks once nobody waits', async () => {
    const overtaken = jest.fn((asked: readonly { deployment: number }[]) =>
      Promise.resolve(
        asked
          .filter(({ deployment }) => deployment === 1)
          .map((one) => ({ environmentId: 'e', deployment: one.deployment, newestDeployment: 7 })),
      ),
    );
    const waiting = new WaitingDeployments({ overtaken });
    const [older, newest] = [begin(waiting, 1), begin(waiting, 7)];
    await jest.advanceTimersByTimeAsync(500);
    await older.ended;
    expect([older.one.overtakenBy, newest.one.signal.aborted]).toEqual([7, false]);
    expect(overtaken).toHaveBeenCalledTimes(1);
    newest.one.makeRoom();
    await newest.ended;
    await jest.advanceTimersByTimeAsync(5_000);
    expect(overtaken).toHaveBeenCalledTimes(1);
  });

  it('is looked after again when the database was away', async () => {
    const answers = [
      () => Promise.reject(new Error('away')),
      () => Promise.resolve([{ environmentId: 'e', deployment: 1, newestDeployment: 2 }]),
    ];
    const overtaken = () => answers.shift()?.() ?? Promise.resolve([]);
    const waiting = new WaitingDeployments({ overtaken });
    const { one, ended } = begin(waiting, 1);
    await jest.advanceTimersByTimeAsync(1_000);
    await ended;
    expect(one.overtakenBy).toBe(2);
  });

  it('makes room when too many of its environment wait, the one first that has waited longest', async () => {
    const waiting = new WaitingDeployments({ overtaken: () => Promise.resolve([]) });
    const elsewhere = begin(waiting, 1, 'p', 'elsewhere');
    const all = Array.from({ length: ROOM }, (_, index) => begin(waiting, index + 1, `p${index}`));
    expect(all.some(({ one }) => one.signal.aborted)).toBe(false);
    const more = [begin(waiting, ROOM + 1, 'one more'), begin(waiting, ROOM + 2, 'and one more')];
    await all[0]?.ended;
    expect(all.slice(0, 3).map(({ one }) => one.signal.aborted)).toEqual([true, true, false]);
    expect([elsewhere, ...more].map(({ one }) => one.signal.aborted)).toEqual([false, false, false]);
    expect(all[0]?.one.overtakenBy).toBeUndefined();
  });
});
