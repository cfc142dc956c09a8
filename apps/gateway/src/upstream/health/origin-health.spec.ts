import { HEALTH_LIMITS, type HealthLimits } from './health-limits.ts';
import { OriginHealth } from './origin-health.ts';

const EJECT_MS = HEALTH_LIMITS.ejectMs;

/** An origin under a clock that the test moves. */
class Driven {
  nowMs = 1_000;
  readonly told: string[] = [];
  readonly health: OriginHealth;

  constructor(limits: Partial<HealthLimits> = {}) {
    const ejected = (_origin: string, forMs: number) => this.told.push(`out ${forMs / EJECT_MS}`);
    const watcher = { ejected, readmitted: () => this.told.push('in') };
    this.health = new OriginHealth('http://a.test', { ...HEALTH_LIMITS, ...limits }, watcher);
  }

  begin = (): number => this.health.begin(this.nowMs);
  get isOpen(): boolean {
    return this.health.isOpen(this.nowMs);
  }
  fail(ticket = this.begin()): void {
    this.health.failed(ticket, this.nowMs);
    this.health.left(ticket);
  }
  answer(status = 200, ticket = this.begin()): void {
    this.health.answered(ticket, status, () => this.nowMs);
    this.health.left(ticket);
  }
  failOften(count: number): void {
    for (let failure = 0; failure < count; failure += 1) this.fail();
  }
}

describe('the health of an origin', () => {
  it('is lost after failures in a row, and an answer between them begins the row anew', () => {
    const driven = new Driven();
    driven.failOften(4);
    driven.answer();
    driven.failOften(4);
    expect([driven.isOpen, driven.told]).toEqual([true, []]);
    driven.fail();
    expect([driven.isOpen, driven.told, driven.health.ejections]).toEqual([false, ['out 1'], 1]);
  });

  it('is never lost where failures do not count', () => {
    const driven = new Driven({ ejectAfterFailures: 0 });
    driven.failOften(100);
    expect([driven.isOpen, driven.health.isEjected]).toEqual([true, false]);
  });

  it('is tried by one request when its time is over, and regained by an answer', () => {
    const driven = new Driven();
    driven.failOften(5);
    driven.nowMs += EJECT_MS - 1;
    expect(driven.isOpen).toBe(false);
    driven.nowMs += 1;
    expect(driven.isOpen).toBe(true);
    const probe = driven.begin();
    expect(driven.isOpen).toBe(false);
    driven.answer(200, probe);
    expect([driven.isOpen, driven.health.isEjected, driven.told]).toEqual([true, false, ['out 1', 'in']]);
  });

  it('is lost for longer each time a probe fails, up to eight times as long', () => {
    const driven = new Driven();
    driven.failOften(5);
    for (const times of [1, 2, 4, 8, 8]) {
      driven.nowMs += times * EJECT_MS - 1;
      expect(driven.isOpen).toBe(false);
      driven.nowMs += 1;
      driven.fail();
    }
    expect(driven.told).toEqual(['out 1', 'out 2', 'out 4', 'out 8', 'out 8', 'out 8']);
  });

  it('is lost for the first time again after it was good for long, and not before', () => {
    const driven = new Driven();
    const loseAndRegain = (): void => {
      driven.failOften(5);
      driven.nowMs += 8 * EJECT_MS;
      driven.answer();
    };
    loseAndRegain();
    driven.nowMs += 8 * EJECT_MS - 1;
    loseAndRegain();
    driven.nowMs += 8 * EJECT_MS;
    loseAndRegain();
    expect(driven.told.filter((told) => told !== 'in')).toEqual(['out 1', 'out 2', 'out 1']);
  });

  it('is not judged by attempts that began before it was lost, neither out nor in', () => {
    const driven = new Driven();
    const old = Array.from({ length: 20 }, driven.begin);
    driven.failOften(5);
    for (const ticket of old.splice(0, 10)) driven.fail(ticket);
    driven.answer(200, old.pop());
    expect([driven.told, driven.isOpen]).toEqual([['out 1'], false]);
    driven.nowMs += EJECT_MS;
    driven.answer();
    for (const ticket of old) driven.fail(ticket);
    expect(driven.told).toEqual(['out 1', 'in']);
  });

  it('is regained by any later answer, but lost for longer by its probe alone', () => {
    const driven = new Driven();
    driven.failOften(5);
    // Sent regardless: every other address was out too.
    driven.failOften(5);
    expect(driven.told).toEqual(['out 1']);
    driven.answer();
    expect([driven.told, driven.isOpen]).toEqual([['out 1', 'in'], true]);
  });

  it('is tried by another request at once when a probe was given up, and in time when one says nothing', () => {
    const driven = new Driven();
    driven.failOften(5);
    driven.nowMs += EJECT_MS;
    driven.health.left(driven.begin());
    expect(driven.isOpen).toBe(true);
    driven.begin();
    expect(driven.isOpen).toBe(false);
    driven.nowMs += EJECT_MS;
    expect(driven.isOpen).toBe(true);
  });

  it.each([
    [false, 503, true],
    [true, 502, false],
    [true, 503, false],
    [true, 504, false],
    [true, 500, true],
    [true, 505, true],
    [true, 404, true],
  ])('with countsErrorAnswers %s after answers of %d is open: %s', (countsErrorAnswers, status, isOpen) => {
    const driven = new Driven({ countsErrorAnswers });
    for (let answer = 0; answer < 5; answer += 1) driven.answer(status);
    expect(driven.isOpen).toBe(isOpen);
  });

  it('counts what is in flight, and further attempts by whether the budget allowed them', () => {
    const driven = new Driven();
    const tickets = [driven.begin(), driven.begin(), driven.health.beginAgain(driven.nowMs)];
    expect(driven.health).toMatchObject({ inFlight: 3, retries: 1, retriesRefused: 0 });
    for (const ticket of tickets) driven.health.left(ticket);
    while (driven.health.beginAgain(driven.nowMs) !== 0);
    expect(driven.health).toMatchObject({ inFlight: 29, retries: 30, retriesRefused: 1 });
  });
});
