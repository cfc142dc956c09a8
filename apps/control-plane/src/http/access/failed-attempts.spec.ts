import { FAILURES_PER_WINDOW, FailureCounter } from './failed-attempts.ts';

const HOUR_MS = 60 * 60 * 1000;
const ADDRESS = '192.0.2.1';

function counter(largestMemory = 100) {
  const clock = { ms: 0 };
  const one = new FailureCounter({ largestMemory, nowMs: () => clock.ms });
  const isAdmitted = async (address: string, token: string) => (await one.admit(address, token)).isAdmitted;
  const fails = async (address: string, times: number) => {
    for (let count = 0; count < times; count += 1) await one.failed(address, `wrong-${count}`);
  };
  return { one, clock, isAdmitted, fails };
}

describe('failed authentications', () => {
  it('are borne up to their number, then the address waits', async () => {
    const { one, isAdmitted, fails } = counter();
    await fails(ADDRESS, FAILURES_PER_WINDOW - 1);
    expect(await isAdmitted(ADDRESS, 'new')).toBe(true);
    await fails(ADDRESS, 1);
    const admission = await one.admit(ADDRESS, 'new');
    expect(admission).toEqual({ isAdmitted: false, retryAfterSeconds: expect.any(Number) as number });
    expect(admission.isAdmitted ? 0 : admission.retryAfterSeconds).toBeGreaterThan(0);
    expect(admission.isAdmitted ? 0 : admission.retryAfterSeconds).toBeLessThanOrEqual(60);
  });

  it('of one address are no other’s, except within one IPv6 network', async () => {
    const { isAdmitted, fails } = counter();
    await fails('2001:db8::1', FAILURES_PER_WINDOW);
    expect(await isAdmitted('2001:db8::2', 'new')).toBe(false);
    expect(await isAdmitted('2001:db8:0:1::1', 'new')).toBe(true);
    expect(await isAdmitted(ADDRESS, 'new')).toBe(true);
  });

  it('do not lock out a token that was good from there within the hour', async () => {
    const { one, clock, isAdmitted, fails } = counter();
    one.succeeded(ADDRESS, 'good');
    await fails(ADDRESS, FAILURES_PER_WINDOW);
    expect(await isAdmitted(ADDRESS, 'good')).toBe(true);
    expect(await isAdmitted(ADDRESS, 'other')).toBe(false);
    clock.ms = HOUR_MS;
    expect(await isAdmitted(ADDRESS, 'good')).toBe(false);
  });

  it('trust a good token only at the address where it was good', async () => {
    const { one, isAdmitted, fails } = counter();
    one.succeeded('192.0.2.2', 'good');
    await fails(ADDRESS, FAILURES_PER_WINDOW);
    expect(await isAdmitted(ADDRESS, 'good')).toBe(false);
  });

  it('end the trust in a token that is good no longer', async () => {
    const { one, isAdmitted, fails } = counter();
    one.succeeded(ADDRESS, 'good');
    await fails(ADDRESS, FAILURES_PER_WINDOW);
    await one.failed(ADDRESS, 'good');
    expect(await isAdmitted(ADDRESS, 'good')).toBe(false);
  });

  it('are kept of so many addresses and no more, the longest quiet one forgotten first', async () => {
    const { isAdmitted, fails } = counter(2);
    await fails('192.0.2.1', FAILURES_PER_WINDOW);
    await fails('192.0.2.2', FAILURES_PER_WINDOW);
    await fails('192.0.2.1', 1);
    await fails('192.0.2.3', FAILURES_PER_WINDOW);
    expect(await isAdmitted('192.0.2.1', 'new')).toBe(false);
    expect(await isAdmitted('192.0.2.2', 'new')).toBe(true);
    expect(await isAdmitted('192.0.2.3', 'new')).toBe(false);
  });

  it('are forgiven to so many good tokens and no more, the longest unused one forgotten first', async () => {
    const { one, isAdmitted, fails } = counter(2);
    for (const token of ['a', 'b', 'a', 'c']) one.succeeded(ADDRESS, token);
    await fails(ADDRESS, FAILURES_PER_WINDOW);
    expect(await isAdmitted(ADDRESS, 'a')).toBe(true);
    expect(await isAdmitted(ADDRESS, 'b')).toBe(false);
    expect(await isAdmitted(ADDRESS, 'c')).toBe(true);
  });
});
