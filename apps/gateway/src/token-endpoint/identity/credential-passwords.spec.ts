import { createHook } from 'node:async_hooks';
import { createPasswordVerifier, type CredentialRecord } from '#libs/policy-contracts';
import { InMemoryLoginThrottle } from '../testing/in-memory-login-throttle.ts';
import { CredentialPasswords, type PasswordClaim } from './credential-passwords.ts';
import type { LoginThrottle } from './login-throttle/login-throttle.port.ts';
import { LoginThrottleUnavailable } from './login-throttle/login-throttle.port.ts';

const LIMITS = { failuresPerName: 5, failuresPerAddress: 50, blockMs: 300_000 };
const PASSWORD = 'correct horse battery staple';
const alice: CredentialRecord = {
  username: 'alice',
  project: 'shop',
  passwordVerifier: await createPasswordVerifier(PASSWORD),
  passwordId: 'password-1',
  enabled: true,
  expiresAt: null,
  roles: [],
  ipList: [],
  access: [],
  tokenSettings: null,
};

/** Every stretching of a password in this process. */
let stretchCount = 0;
const hook = createHook({ init: (_id, type) => void (stretchCount += type === 'SCRYPTREQUEST' ? 1 : 0) });
beforeAll(() => hook.enable());
afterAll(() => hook.disable());

function rig(
  changes: { throttle?: Partial<LoginThrottle>; limits?: { runningCount: number; waitingCount: number } } = {},
) {
  const clock = { ms: 1_000_000 };
  const pausesMs: number[] = [];
  const ends: string[] = [];
  const inMemory = new InMemoryLoginThrottle(LIMITS, () => clock.ms);
  const throttle: LoginThrottle = {
    standing: (attempt) => inMemory.standing(attempt),
    failed: (attempt) => inMemory.failed(attempt),
    succeeded: (attempt) => inMemory.succeeded(attempt),
    ...changes.throttle,
  };
  const passwords = new CredentialPasswords({
    throttle,
    limits: changes.limits ?? { runningCount: 2, waitingCount: 400 },
    pause: async (ms) => void pausesMs.push(ms),
    onChecked: (end) => ends.push(end),
  });
  const check = (password: string, claim: Partial<PasswordClaim> = {}) =>
    passwords.check({
      ...{ username: 'alice', credential: alice, passwords: [password], isWelcome: true },
      ...{ clientAddress: '192.0.2.1', nowMs: clock.ms },
      ...claim,
    });
  const nobody = { username: 'nobody', credential: undefined, isWelcome: false };
  /** How many stretchings it takes. */
  const cost = async (work: () => Promise<unknown>): Promise<number> => {
    const before = stretchCount;
    await work();
    return stretchCount - before;
  };
  return { clock, pausesMs, ends, passwords, check, nobody, cost, throttle };
}

describe('the password of a credential', () => {
  it('is right or wrong', async () => {
    const { check, ends } = rig();
    expect(await check(PASSWORD)).toEqual({ kind: 'right' });
    expect(await check('wrong')).toEqual({ kind: 'wrong' });
    expect(ends).toEqual(['right', 'wrong']);
  });

  it('may be any of several readings', async () => {
    const { check, clock } = rig();
    expect(await check('', { passwords: ['wrong', PASSWORD] })).toEqual({ kind: 'right' });
    clock.ms += 60_000;
    expect(await check('', { passwords: ['wrong', 'as well'] })).toEqual({ kind: 'wrong' });
  });

  it('is not right for who may not have tokens, though it is theirs: that counts and is slowed as a failure', async () => {
    const { check, pausesMs, throttle } = rig();
    for (let n = 0; n < 3; n += 1) expect(await check(PASSWORD, { isWelcome: false })).toEqual({ kind: 'right' });
    expect(pausesMs).toEqual([250]);
    expect(await throttle.standing({ name: 'alice', clientAddress: '192.0.2.1' })).toMatchObject({ failures: 3 });
  });
});

describe('failed logins', () => {
  it('are slowed, then refused without a check, for a time; the right password too', async () => {
    const { check, pausesMs, cost, clock, ends } = rig();
    for (let n = 0; n < 5; n += 1) expect(await check('wrong')).toEqual({ kind: 'wrong' });
    expect(pausesMs).toEqual([250, 500, 1_000]);
    const blocked = { kind: 'blocked', retryAfterSeconds: 300 };
    expect(await cost(async () => expect(await check(PASSWORD)).toEqual(blocked))).toBe(0);
    expect(ends.at(-1)).toBe('blocked');
    clock.ms += 300_000;
    expect(await check(PASSWORD)).toEqual({ kind: 'right' });
  });

  it('cost and count alike for who does not exist', async () => {
    const answersOf = async (claim: Partial<PasswordClaim>, passwords = ['wrong']) => {
      const { check, pausesMs, cost } = rig();
      const seen: unknown[] = [];
      for (let n = 0; n < 7; n += 1) {
        const stretched = await cost(async () => seen.push(await check('', { ...claim, passwords })));
        seen.push(stretched);
      }
      return [seen, pausesMs];
    };
    const { nobody } = rig();
    expect(await answersOf(nobody)).toEqual(await answersOf({}));
    expect(await answersOf(nobody, ['one', 'two'])).toEqual(await answersOf({}, ['one', 'two']));
  });

  it('are forgotten when the right password comes', async () => {
    const { check, clock } = rig();
    for (let round = 0; round < 3; round += 1) {
      for (let n = 0; n < 4; n += 1) expect(await check('wrong')).toEqual({ kind: 'wrong' });
      expect(await check(PASSWORD)).toEqual({ kind: 'right' });
      clock.ms += 60_000;
    }
  });

  it('lock nobody out elsewhere', async () => {
    const { check } = rig();
    for (let n = 0; n < 6; n += 1) await check('wrong');
    expect((await check(PASSWORD)).kind).toBe('blocked');
    expect(await check(PASSWORD, { clientAddress: '198.51.100.1' })).toEqual({ kind: 'right' });
  });

  it('in parallel get past the limit by no more than the checks that run side by side', async () => {
    const { check, cost } = rig({ limits: { runningCount: 2, waitingCount: 400 } });
    let kinds: string[] = [];
    const stretched = await cost(async () => {
      const verdicts = await Promise.all(Array.from({ length: 60 }, (_none, at) => check(`wrong ${at}`)));
      kinds = verdicts.map(({ kind }) => kind);
    });
    expect(stretched).toBeLessThanOrEqual(LIMITS.failuresPerName + 1);
    expect(kinds.filter((kind) => kind === 'wrong')).toHaveLength(LIMITS.failuresPerName);
    expect(kinds.filter((kind) => kind === 'blocked')).toHaveLength(60 - LIMITS.failuresPerName);
  });

  it('are none where 60 right ones come at once', async () => {
    const { check } = rig();
    const verdicts = await Promise.all(Array.from({ length: 60 }, () => check(PASSWORD)));
    expect(new Set(verdicts.map(({ kind }) => kind))).toEqual(new Set(['right']));
  });

  it('cannot be told from right ones while they cannot be counted', async () => {
    const away = { failed: () => Promise.reject(new LoginThrottleUnavailable()) };
    const { check, passwords } = rig({ throttle: away });
    await expect(check('wrong')).rejects.toThrow(LoginThrottleUnavailable);
    expect(passwords.load).toEqual({ running: 0, waiting: 0 });
  });

  it('cost no check while the throttle is away', async () => {
    const { check, cost } = rig({ throttle: { standing: () => Promise.reject(new LoginThrottleUnavailable()) } });
    const asked = async () => expect(check(PASSWORD)).rejects.toThrow(LoginThrottleUnavailable);
    expect(await cost(asked)).toBe(0);
  });
});

describe('the line of password checks', () => {
  it('tells who finds it full, and lets others in', async () => {
    const { check, ends } = rig({ limits: { runningCount: 1, waitingCount: 4 } });
    const flood = await Promise.all(Array.from({ length: 6 }, (_none, at) => check(`wrong ${at}`)));
    expect(flood.filter(({ kind }) => kind === 'busy')).toHaveLength(4);
    expect(ends.filter((end) => end === 'busy')).toHaveLength(4);
    const [mine] = await Promise.all([
      check('wrong', { clientAddress: '198.51.100.1' }),
      ...Array.from({ length: 6 }, (_none, at) => check(`wrong ${at}`)),
    ]);
    expect(mine).toEqual({ kind: 'wrong' });
  });

  it('has one place for a service that asks hundreds of times a second, whenever its password is checked anew', async () => {
    const { check, cost, clock, ends } = rig({ limits: { runningCount: 4, waitingCount: 64 } });
    for (let minute = 0; minute < 2; minute += 1) {
      const asked = async () => {
        const verdicts = await Promise.all(Array.from({ length: 300 }, () => check(PASSWORD)));
        expect(new Set(verdicts.map(({ kind }) => kind))).toEqual(new Set(['right']));
      };
      expect(await cost(asked)).toBe(1);
      clock.ms += 60_000;
    }
    expect(ends).not.toContain('busy');
  });

  it('is not passed by who says the same wrong thing at once: each is a failure, of whomever it is said', async () => {
    const { nobody } = rig();
    for (const claim of [{}, nobody]) {
      const { check, cost, throttle } = rig();
      const asked = async () => {
        const verdicts = await Promise.all(Array.from({ length: 20 }, () => check('wrong', claim)));
        expect(verdicts.filter(({ kind }) => kind === 'wrong')).toHaveLength(LIMITS.failuresPerName);
        expect(verdicts.filter(({ kind }) => kind === 'blocked')).toHaveLength(20 - LIMITS.failuresPerName);
      };
      expect(await cost(asked)).toBeLessThanOrEqual(LIMITS.failuresPerName + 1);
      expect((await throttle.standing({ name: 'other', clientAddress: '192.0.2.1' })).kind).toBe('open');
    }
  });

  it('goes on when a check that others wait for cannot be done', async () => {
    let isAway = true;
    const failed = () => Promise.reject(new LoginThrottleUnavailable());
    const succeeded = () => (isAway ? Promise.reject(new LoginThrottleUnavailable()) : Promise.resolve());
    const { check, passwords } = rig({ throttle: { failed, succeeded } });
    const first = expect(check(PASSWORD)).rejects.toThrow(LoginThrottleUnavailable);
    const second = check(PASSWORD);
    await first;
    isAway = false;
    expect(await second).toEqual({ kind: 'right' });
    expect(passwords.load).toEqual({ running: 0, waiting: 0 });
  });
});

describe('a right password', () => {
  it('is known again for a minute without stretching it', async () => {
    const { check, cost, clock, ends } = rig();
    expect(await cost(() => check(PASSWORD))).toBe(1);
    clock.ms += 59_999;
    expect(await cost(async () => expect(await check(PASSWORD)).toEqual({ kind: 'right' }))).toBe(0);
    expect(ends.at(-1)).toBe('remembered');
    clock.ms += 1;
    expect(await cost(() => check(PASSWORD))).toBe(1);
  });

  it.each([
    ['another password', {}, 'wrong'],
    ['the id of the password is another', { credential: { ...alice, passwordId: 'password-2' } }, 'right'],
    ['the user is not welcome any more', { isWelcome: false }, 'right'],
    ['the user is gone', { credential: undefined, isWelcome: false }, 'wrong'],
  ])('is stretched again when %s', async (what, claim, kind) => {
    const { check, cost } = rig();
    await check(PASSWORD);
    const password = what === 'another password' ? 'wrong' : PASSWORD;
    const stretched = await cost(async () => expect((await check(password, claim)).kind).toBe(kind));
    expect(stretched).toBe(1);
  });

  it('is refused while its user and address are blocked, though it is known', async () => {
    const { check, ends } = rig();
    await check(PASSWORD);
    for (let n = 0; n < 5; n += 1) await check('wrong');
    expect((await check(PASSWORD)).kind).toBe('blocked');
    expect(ends.at(-1)).toBe('blocked');
  });
});
