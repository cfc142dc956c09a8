import { randomUUID } from 'node:crypto';
import {
  NOWHERE,
  REVOCATION_LEDGER_LIMITS,
  RevocationLedgerFull,
  type LedgerPosition,
  type RevocationLedger,
} from '../revocation-ledger.port.ts';
import { joinedRevocation, REVOKED_BY, type TokenRevocation } from '../token-revocation.ts';

export const T0_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;

/** Of a token that no other test has, for an hour, but for what a test names. */
export const someRevocation = (changes: Partial<TokenRevocation> = {}): TokenRevocation => ({
  by: 'token',
  value: randomUUID(),
  issuedUntilSeconds: null,
  endsAtMs: T0_MS + HOUR_MS,
  ...changes,
});

export const someRevocations = (count: number): readonly TokenRevocation[] =>
  Array.from({ length: count }, () => someRevocation());

/** Reads to the end; the pages' revocations in the order they came in. */
export async function readAll(ledger: RevocationLedger, from?: LedgerPosition) {
  const revocations: TokenRevocation[] = [];
  const pages: number[] = [];
  let refusedCount = 0;
  let wasFromStart = false;
  let position = from;
  for (;;) {
    const news = await ledger.since(position);
    if (pages.length === 0) wasFromStart = news.isFromStart;
    revocations.push(...news.revocations);
    pages.push(news.revocations.length);
    refusedCount += news.refusedCount;
    position = news.position;
    if (!news.isMore) return { ...news, revocations, pages, refusedCount, wasFromStart };
  }
}

export interface LedgerLimits {
  readonly entries?: number;
  readonly page?: number;
}

/** What every adapter of the port promises. */
export function describeRevocationLedger(name: string, fresh: (limits?: LedgerLimits) => RevocationLedger): void {
  describe(name, () => {
    let ledger: RevocationLedger;
    beforeEach(() => (ledger = fresh()));

    it('is nowhere while nothing was recorded', async () => {
      const nothing = { position: NOWHERE, revocations: [], refusedCount: 0, isMore: false, heldCount: 0 };
      expect(await ledger.since(undefined)).toEqual({ ...nothing, isFromStart: true });
      expect(await ledger.since(NOWHERE)).toEqual({ ...nothing, isFromStart: false });
      expect(await ledger.record([], T0_MS)).toEqual(NOWHERE);
    });

    it('gives what was recorded since, once, in its order', async () => {
      const [first, second, third] = [someRevocation(), someRevocation(), someRevocation()];
      const start = await ledger.record([first], T0_MS);
      expect(await ledger.since(undefined)).toMatchObject({ position: start, revocations: [first], isFromStart: true });
      const end = await ledger.record([second, third], T0_MS);
      expect(end.epoch).toBe(start.epoch);
      const news = await ledger.since(start);
      expect(news).toMatchObject({ position: end, revocations: [second, third], isFromStart: false, heldCount: 3 });
      expect(await ledger.since(end)).toMatchObject({ position: end, revocations: [], isFromStart: false });
    });

    it('holds revocations of every kind, and all that they say', async () => {
      const all = REVOKED_BY.map((by, index) =>
        someRevocation({ by, value: by === 'everybody' ? '' : `ünïcödé ${by}`, issuedUntilSeconds: index || null }),
      );
      const endless = someRevocation({ endsAtMs: null });
      await ledger.record(all, T0_MS);
      await ledger.record([endless], T0_MS);
      expect((await readAll(ledger)).revocations).toEqual([...all, endless]);
    });

    it('joins what is recorded again, and tells it again only if it says more', async () => {
      const narrow = someRevocation({ by: 'user', issuedUntilSeconds: 100 });
      const wide = { ...narrow, issuedUntilSeconds: 200, endsAtMs: T0_MS + 1 };
      const start = await ledger.record([narrow], T0_MS);
      expect(await ledger.record([narrow], T0_MS)).toEqual(start);
      expect(await ledger.record([{ ...narrow, issuedUntilSeconds: 50 }], T0_MS)).toEqual(start);
      const end = await ledger.record([wide], T0_MS);
      const joined = joinedRevocation(narrow, wide);
      expect(await ledger.since(start)).toMatchObject({ position: end, revocations: [joined], heldCount: 1 });
      expect((await readAll(ledger)).revocations).toEqual([joined]);
    });

    it('joins what is recorded twice in one call', async () => {
      const revocation = someRevocation({ issuedUntilSeconds: 5 });
      await ledger.record([revocation, { ...revocation, issuedUntilSeconds: 7 }], T0_MS);
      expect((await readAll(ledger)).revocations).toEqual([{ ...revocation, issuedUntilSeconds: 7 }]);
    });

    it('loses nothing of what many record at once', async () => {
      const same = someRevocation({ by: 'client', issuedUntilSeconds: 0 });
      const own = someRevocations(40);
      // Those that come later say less: who writes last must not win.
      const until = (index: number): number => own.length - index;
      const positions = await Promise.all(
        own.map((one, index) =>
          ledger.record([one, { ...same, issuedUntilSeconds: until(index) }], T0_MS).catch(() => NOWHERE),
        ),
      );
      const { revocations, position } = await readAll(ledger);
      expect(revocations).toEqual(expect.arrayContaining([...own]));
      expect(revocations).toHaveLength(41);
      expect(position.sequence).toBeGreaterThanOrEqual(Math.max(...positions.map(({ sequence }) => sequence)));
      const recorded = positions.flatMap(({ sequence }, index) => (sequence > 0 ? [until(index)] : []));
      const joined = revocations.find(({ by }) => by === 'client')?.issuedUntilSeconds;
      expect(joined).toBeGreaterThanOrEqual(Math.max(...recorded));
      expect(joined).toBe(until(0));
    });

    it('gives pages until there is no more', async () => {
      const paged = fresh({ page: 10 });
      const all = someRevocations(25);
      const end = await paged.record(all, T0_MS);
      const read = await readAll(paged);
      expect([read.pages, read.revocations, read.position]).toEqual([[10, 10, 5], all, end]);
      expect((await readAll(paged, { ...end, sequence: end.sequence - 10 })).pages).toEqual([10, 0]);
    });

    it('writes more than fits into one step', async () => {
      const all = someRevocations(1_234);
      await ledger.record(all, T0_MS);
      expect((await readAll(ledger)).revocations).toEqual(all);
    });

    it('is read from its start by who read another ledger, or read further than it goes', async () => {
      const revocation = someRevocation();
      const end = await ledger.record([revocation], T0_MS);
      for (const elsewhere of [
        { ...end, epoch: 'another' },
        { ...end, sequence: end.sequence + 1 },
      ]) {
        expect(await ledger.since(elsewhere)).toMatchObject({
          ...{ isFromStart: true, position: end, revocations: [revocation] },
        });
      }
    });

    it('begins with sequences above those of any ledger before', async () => {
      const { sequence } = await ledger.record(someRevocations(5), T0_MS);
      expect(sequence).toBe(T0_MS + 5);
      expect((await fresh().record([someRevocation()], T0_MS + 1_000)).sequence).toBeGreaterThan(sequence);
    });

    it('gives sequences of at least the time, so that what a lost write had is not given again', async () => {
      const { epoch, sequence } = await ledger.record([someRevocation()], T0_MS);
      const lost = T0_MS + 5;
      expect(sequence).toBeLessThan(lost);
      const { sequence: next } = await ledger.record([someRevocation()], lost);
      expect(next).toBeGreaterThan(lost);
      // A clock that is behind takes nothing back.
      expect(await ledger.record([someRevocation()], T0_MS)).toEqual({ epoch, sequence: next + 1 });
    });

    it('forgets what has ended a while ago with what is recorded next, and nothing else', async () => {
      const ended = someRevocation({ endsAtMs: T0_MS + 1 });
      const lasting = [someRevocation({ endsAtMs: null }), someRevocation({ endsAtMs: T0_MS + 2 })];
      await ledger.record([ended, ...lasting], T0_MS);
      const another = someRevocation();
      await ledger.record([another], T0_MS + 1 + REVOCATION_LEDGER_LIMITS.forgottenAfterMs);
      const { revocations, heldCount } = await readAll(ledger);
      expect([revocations, heldCount]).toEqual([[...lasting, another], 3]);
    });

    it('takes no more entries than there may be, until some have ended', async () => {
      const small = fresh({ entries: 3 });
      const held = [...someRevocations(2), someRevocation({ endsAtMs: T0_MS + 1 })];
      await small.record(held, T0_MS);
      await expect(small.record([someRevocation()], T0_MS)).rejects.toThrow(RevocationLedgerFull);
      const longer = { ...(held[0] as TokenRevocation), endsAtMs: null };
      await small.record([longer], T0_MS);
      expect((await readAll(small)).heldCount).toBe(3);
      await small.record([someRevocation()], T0_MS + 1 + REVOCATION_LEDGER_LIMITS.forgottenAfterMs);
      expect((await readAll(small)).heldCount).toBe(3);
    });

    it('keeps the last of its room for what is urgent; what is held already may say more at any time', async () => {
      const small = fresh({ entries: 10 });
      const held = someRevocations(9);
      await small.record(held, T0_MS);
      await expect(small.record([someRevocation()], T0_MS)).rejects.toThrow(RevocationLedgerFull);
      await small.record([someRevocation()], T0_MS, 'urgent');
      await expect(small.record([someRevocation()], T0_MS, 'urgent')).rejects.toThrow(RevocationLedgerFull);
      const longer = { ...(held[0] as TokenRevocation), endsAtMs: null };
      await small.record([longer], T0_MS);
      const { revocations, heldCount } = await readAll(small);
      expect(revocations).toContainEqual(longer);
      expect(heldCount).toBe(10);
    });

    it.each([{ endsAtMs: 2 ** 53 + 2 }, { issuedUntilSeconds: 0.5 }])(
      'refuses numbers that would not be read back: %j',
      async (changes) => {
        const all = [someRevocation(), someRevocation(changes)];
        await expect(ledger.record(all, T0_MS)).rejects.toThrow(RangeError);
        expect((await ledger.since(undefined)).heldCount).toBe(0);
      },
    );

    it('refuses a value of absurd length before it writes anything', async () => {
      const value = 'x'.repeat(REVOCATION_LEDGER_LIMITS.valueLength + 1);
      await expect(ledger.record([someRevocation(), someRevocation({ value })], T0_MS)).rejects.toThrow(RangeError);
      expect((await ledger.since(undefined)).heldCount).toBe(0);
    });
  });
}
