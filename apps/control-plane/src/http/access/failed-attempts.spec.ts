import { FAILURES_PER_WINDOW, FailureCounter } from './failed-attempts.ts';

const HOUR_MS = 60 * 60 * 1000;
const ADDRESS = '192.0.2.1';

function counter(largestMemory = 100) {
  const clock = { ms: 0 };
  const one = new FailureCounter({ largestMemory, nowMs: () => clock.ms });
  const look = (address: string, token: string, isGood: boolean) =>
    one.lookAt(
      { address, token },
      async () => isGood,
      (found) => found,
    );
  const isAdmitted = async (address: string, token: string) => 'found' in (await look(address, token, true));
  const fails = async (address: string, times: number) => {
    for (let count = 0; count < times; count += 1) await look(address, `wrong-${count}`, false);
  };
  return { one, clock, look, isAdmitted, fails };
}

describe('failed authentications', () => {
  it('are borne up to their number, then the address waits', async () => {
    const { look, isAdmitted, fails } = counter();
    await fails(ADDRESS, FAILURES_PER_WINDOW - 1);
    expect(await isAdmitted(ADDRESS, 'early')).toBe(true);
    await fails(ADDRESS, 1);
    const looked = await look(ADDRESS, 'new', true);
    expect(looked).toEqual({ retryAfterSeconds: expect.any(Number) as number });
    expect('found' in looked ? 0 : looked.retryAfterSeconds).toBeGreaterThan(0);
    expect('found' in looked ? 0 : looked.retryAfterSeconds).toBeLessThanOrEqual(60);
  });

  it('keep out no good token that nobody can guess, and no more than so many are looked at then', async () => {
    const { one, look, fails } = counter();
    await fails(ADDRESS, FAILURES_PER_WINDOW);
    const good = `gwt_${'g'.repeat(43)}`;
    expect(await look(ADDRESS, good, true)).toEqual({ found: true });
    expect(await look(ADDRESS, `gwt_${'w'.repeat(43)}`, false)).toEqual({
      retryAfterSeconds: expect.any(Number) as number,
    });
    let lookups = 0;
    let goOn = (): void => undefined;
    const answered = new Promise<void>((resolve) => (goOn = resolve));
    const flood = Array.from({ length: 500 }, (_, index) =>
      one.lookAt(
        { address: ADDRESS, token: `gwt_${String(index).padStart(43, '0')}` },
        async () => {
          lookups += 1;
          await answered;
          return false;
        },
        (found) => found,
      ),
    );
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(lookups).toBe(2);
    goOn();
    for (const looked of await Promise.all(flood)) expect(looked).not.toHaveProperty('found');
    expect(lookups).toBe(202);
  });

  it('of one address are no other’s, except within one IPv6 network', async () => {
    const { isAdmitted, fails } = counter();
    await fails('2001:db8::1', FAILURES_PER_WINDOW);
    expect(await isAdmitted('2001:db8::2', 'new')).toBe(false);
    expect(await isAdmitted('2001:db8:0:1::1', 'new')).toBe(true);
    expect(await isAdmitted(ADDRESS, 'new')).toBe(true);
  });

  it('do not lock out a token that was good from there within the hour', async () => {
    const { clock, isAdmitted, fails } = counter();
    expect(await isAdmitted(ADDRESS, 'good')).toBe(true);
    await fails(ADDRESS, FAILURES_PER_WINDOW);
    expect(await isAdmitted(ADDRESS, 'other')).toBe(false);
    expect(await isAdmitted(ADDRESS, 'good')).toBe(true);
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
    const { one, look, isAdmitted, fails } = counter();
    one.succeeded(ADDRESS, 'good');
    await fails(ADDRESS, FAILURES_PER_WINDOW);
    await look(ADDRESS, 'good', false);
    expect(await isAdmitted(ADDRESS, 'good')).toBe(false);
  });

  it('are kept of so many addresses and no more, the longest quiet one forgotten first', async () => {
    const { isAdmitted, fails } = counter(2);
    await fails('192.0.2.1', FAILURES_PER_WINDOW - 1);
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
