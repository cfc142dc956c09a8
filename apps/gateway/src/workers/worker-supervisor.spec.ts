import { CapturedLog } from '#libs/program-shell/testing';
import type { ToWorker } from './worker-protocol.ts';
import type { WorkerListener } from './worker-place.ts';
import { WorkersCannotStart, WorkerSupervisor } from './worker-supervisor.ts';

/** A process that does what the test says. */
class Started {
  readonly told: ToWorker[] = [];
  isKilled = false;
  constructor(
    readonly pid: number,
    readonly number: number,
    readonly says: WorkerListener,
  ) {}

  tell(message: ToWorker): void {
    this.told.push(message);
  }

  kill(): void {
    this.isKilled = true;
    this.says.onEnd({ code: null, signal: 'SIGKILL' });
  }
}

describe('a supervisor of two workers', () => {
  let started: Started[];
  let log: CapturedLog;
  let restarts: number;
  let supervisor: WorkerSupervisor;
  let nowMs: number;
  let closePort: () => void;
  beforeEach(() => {
    [started, log, restarts, nowMs] = [[], new CapturedLog(), 0, 0];
    supervisor = new WorkerSupervisor({
      count: 2,
      startWorker: (number, says) => {
        const process = new Started(100 + started.length, number, says);
        started.push(process);
        return process;
      },
      logger: log.logger,
      onRestart: () => (restarts += 1),
      onEnded: () => undefined,
      onLastMetrics: () => undefined,
      closePort: () => new Promise<void>((resolve) => (closePort = resolve)),
      nowMs: () => nowMs,
    });
  });

  const at = (index: number): Started => {
    const found = started[index];
    if (found === undefined) throw new RangeError(`${index} of ${started.length}`);
    return found;
  };
  const serves = (index: number) => at(index).says.onMessage({ kind: 'serving' });
  const ends = (index: number, code: number) => at(index).says.onEnd({ code, signal: null });
  const refuses = (index: number, message: string) => {
    at(index).says.onMessage({ kind: 'cannot-start', message });
    ends(index, 1);
  };

  it('starts when the first of them serves', async () => {
    const starting = supervisor.start();
    expect(started.map(({ number }) => number)).toEqual([1, 2]);
    serves(1);
    await starting;
  });

  it('gives up, without a word in the log, when both end before any served', async () => {
    const starting = supervisor.start();
    ends(0, 1);
    refuses(1, 'the port is taken');
    await expect(starting).rejects.toThrow(new WorkersCannotStart('the port is taken'));
    expect([started.length, restarts, log.lines.length]).toEqual([2, 0, 0]);
  });

  it('tries one that could not start again as soon as the other serves', async () => {
    const starting = supervisor.start();
    refuses(0, 'in use');
    expect(started).toHaveLength(2);
    serves(1);
    await starting;
    expect(started.map(({ number }) => number)).toEqual([1, 2, 1]);
    expect(log.lines).toMatchObject([{ level: 'error', worker: 1, pid: 100, code: 1, reason: 'in use', pauseMs: 0 }]);
  });

  it('puts another in the place of one that ended, at once when that had lived', async () => {
    void supervisor.start();
    serves(0);
    serves(1);
    nowMs = 60_000;
    ends(1, 0);
    expect(started.map(({ number }) => number)).toEqual([1, 2, 2]);
    expect([restarts, log.at('error').length, log.at('info').length]).toEqual([1, 0, 1]);
  });

  it('answers a question nobody can answer any more', async () => {
    void supervisor.start();
    serves(0);
    const [place] = supervisor.places;
    const answer = place?.ask('status', 60_000);
    expect(at(0).told).toEqual([{ kind: 'ask', id: 1, what: 'status' }]);
    ends(0, 1);
    expect(await answer).toBeUndefined();
    expect(await place?.ask('status', 60_000)).toBeUndefined();
  });

  it('closes the port, tells both to stop then, waits for them, and starts none again', async () => {
    void supervisor.start();
    serves(0);
    let isOver = false;
    const stopping = supervisor.stop(60_000).then(() => (isOver = true));
    await new Promise(setImmediate);
    expect(started.flatMap(({ told }) => told)).toEqual([]);
    closePort();
    await new Promise(setImmediate);
    expect(started.map(({ told }) => told)).toEqual([[{ kind: 'stop' }], [{ kind: 'stop' }]]);
    ends(0, 0);
    await new Promise(setImmediate);
    expect(isOver).toBe(false);
    ends(1, 0);
    await stopping;
    expect(started).toHaveLength(2);
  });

  it('kills one that does not end', async () => {
    void supervisor.start();
    serves(0);
    const stopping = supervisor.stop(1);
    closePort();
    ends(1, 0);
    await stopping;
    expect(started.map(({ isKilled }) => isKilled)).toEqual([true, false]);
  });
});
