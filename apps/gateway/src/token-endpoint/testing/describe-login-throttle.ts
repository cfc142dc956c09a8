import type { LoginAttempt, LoginLimits, LoginThrottle } from '../identity/login-throttle/login-throttle.port.ts';

/** A throttle whose time a test can let pass. */
export interface TimedThrottle {
  readonly throttle: LoginThrottle;
  readonly elapse: (ms: number) => Promise<void>;
}

export const LIMITS: LoginLimits = { failuresPerName: 3, failuresPerAddress: 5, blockMs: 60_000 };
const ALICE: LoginAttempt = { name: 'alice', clientAddress: '192.0.2.1' };
const BLOCKED = { kind: 'blocked', retryAfterSeconds: 60 };

/** The promise of the port, for every adapter. Each throttle that is made counts for itself. */
export function describeLoginThrottle(name: string, make: (limits: LoginLimits) => TimedThrottle): void {
  const fail = async ({ throttle }: TimedThrottle, attempt: LoginAttempt, count: number) => {
    for (let n = 0; n < count; n += 1) await throttle.failed(attempt);
  };
  const isBlocked = async ({ throttle }: TimedThrottle, attempt: LoginAttempt) =>
    (await throttle.standing(attempt)).kind === 'blocked';

  describe(name, () => {
    it('counts failures of a name from an address, and blocks at the limit', async () => {
      const { throttle } = make(LIMITS);
      expect(await throttle.standing(ALICE)).toEqual({ kind: 'open', failures: 0 });
      expect(await throttle.failed(ALICE)).toEqual({ kind: 'counted', failures: 1 });
      expect(await throttle.failed(ALICE)).toEqual({ kind: 'counted', failures: 2 });
      expect(await throttle.standing(ALICE)).toEqual({ kind: 'open', failures: 2 });
      expect(await throttle.failed(ALICE)).toEqual({ kind: 'counted', failures: 3 });
      expect(await throttle.standing(ALICE)).toEqual(BLOCKED);
      expect(await throttle.failed(ALICE)).toEqual(BLOCKED);
    });

    it('blocks nobody of the name elsewhere, and no other name there', async () => {
      const timed = make(LIMITS);
      await fail(timed, ALICE, 3);
      expect(await isBlocked(timed, { ...ALICE, clientAddress: '192.0.2.2' })).toBe(false);
      expect(await isBlocked(timed, { ...ALICE, name: 'bob' })).toBe(false);
      expect(await isBlocked(timed, { ...ALICE, name: 'Alice' })).toBe(false);
    });

    it('blocks an address at its own limit, whatever the names', async () => {
      const timed = make(LIMITS);
      for (const who of ['a', 'b', 'c', 'd', 'e']) await fail(timed, { ...ALICE, name: who }, 1);
      expect(await isBlocked(timed, ALICE)).toBe(true);
      expect(await isBlocked(timed, { ...ALICE, clientAddress: '192.0.2.2' })).toBe(false);
    });

    it('takes the /64 of an IPv6 address for one address', async () => {
      const timed = make(LIMITS);
      await fail(timed, { ...ALICE, clientAddress: '2001:db8::1' }, 3);
      expect(await isBlocked(timed, { ...ALICE, clientAddress: '2001:db8:0:0:ffff::2' })).toBe(true);
      expect(await isBlocked(timed, { ...ALICE, clientAddress: '2001:db8:0:1::1' })).toBe(false);
    });

    it('forgets failures when their time is over, counted from the first', async () => {
      const timed = make(LIMITS);
      await fail(timed, ALICE, 1);
      await timed.elapse(40_000);
      await fail(timed, ALICE, 1);
      await timed.elapse(20_000);
      expect(await timed.throttle.standing(ALICE)).toEqual({ kind: 'open', failures: 0 });
    });

    it('blocks for the whole time from the last failure on, and no longer for who runs into it', async () => {
      const timed = make(LIMITS);
      await fail(timed, ALICE, 2);
      await timed.elapse(50_000);
      await fail(timed, ALICE, 1);
      expect(await timed.throttle.standing(ALICE)).toEqual(BLOCKED);
      await timed.elapse(40_000);
      expect(await timed.throttle.failed(ALICE)).toEqual({ kind: 'blocked', retryAfterSeconds: 20 });
      await timed.elapse(20_000);
      expect(await timed.throttle.standing(ALICE)).toEqual({ kind: 'open', failures: 0 });
    });

    it('forgets the failures of a name at its success, but not those of the address', async () => {
      const timed = make(LIMITS);
      await fail(timed, ALICE, 2);
      await timed.throttle.succeeded(ALICE);
      expect(await timed.throttle.standing(ALICE)).toEqual({ kind: 'open', failures: 0 });
      await fail(timed, ALICE, 2);
      await timed.throttle.succeeded(ALICE);
      await fail(timed, ALICE, 1);
      expect(await isBlocked(timed, { ...ALICE, name: 'bob' })).toBe(true);
    });

    it('counts what does not exist and what is no address', async () => {
      const timed = make(LIMITS);
      const odd = { name: '', clientAddress: 'unknown' };
      await fail(timed, odd, 3);
      expect(await isBlocked(timed, odd)).toBe(true);
    });

    it.each([
      ['name', { ...LIMITS, failuresPerName: 0 }, 5],
      ['address', { ...LIMITS, failuresPerAddress: 0 }, 3],
    ])('has no limit by %s when that is 0', async (_which, limits, count) => {
      const timed = make(limits);
      await fail(timed, ALICE, count - 1);
      expect(await isBlocked(timed, ALICE)).toBe(false);
      await fail(timed, ALICE, 1);
      expect(await isBlocked(timed, ALICE)).toBe(true);
      const elsewhere =
        limits.failuresPerAddress === 0 ? { ...ALICE, name: 'bob' } : { ...ALICE, clientAddress: '::1' };
      expect(await isBlocked(timed, elsewhere)).toBe(false);
    });

    it('counts nothing at all when both are 0', async () => {
      const timed = make({ ...LIMITS, failuresPerName: 0, failuresPerAddress: 0 });
      await fail(timed, ALICE, 20);
      expect(await timed.throttle.failed(ALICE)).toEqual({ kind: 'counted', failures: 0 });
      expect(await timed.throttle.standing(ALICE)).toEqual({ kind: 'open', failures: 0 });
    });
  });
}
