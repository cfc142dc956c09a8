import fc from 'fast-check';
import { COOLDOWN_MS } from './fetch-restraint.ts';
import type { FetchWish } from './fetched-document.ts';
import { DOWN, GatewayFleet } from './testing/gateway-fleet.ts';
import { served } from './testing/hand-driven-documents.ts';

const GATEWAYS = 8;
const SLICE_MS = 500;

interface Step {
  readonly by: number;
  readonly reason: FetchWish['reason'];
  /** Slices that go by before the wish comes. */
  readonly slices: number;
  /** How the server answers what is under way now; undefined: not yet. */
  readonly answer: 'ok' | 'down' | undefined;
}

const step: fc.Arbitrary<Step> = fc.record({
  by: fc.nat(GATEWAYS - 1),
  reason: fc.constantFrom('missing', 'due', 'unknown-key', 'unknown-key'),
  slices: fc.oneof(fc.nat(4), fc.nat(70)),
  answer: fc.constantFrom('ok', 'ok', 'down', undefined),
});

/** Gateways that wish at random, and what they cost. */
class RandomFleet {
  private readonly fleet = new GatewayFleet();
  private readonly gateways = this.fleet.gateways(GATEWAYS);
  private readonly newestMs = new Map<number, number>();
  /** What the gateways wait for. */
  private readonly wishes = new Map<number, FetchWish>();
  private readonly ended: Promise<void>[] = [];
  private seen = 0;
  private failedAtMs = -Infinity;
  private unknownKeyAtMs = -Infinity;

  /** Waits for every wish. */
  async close(): Promise<void> {
    for (let slice = 0; slice < 60; slice += 1) await this.pass();
    expect(this.wishes.size).toBe(0);
    await Promise.all(this.ended);
  }

  async take({ by, reason, slices, answer }: Step): Promise<void> {
    for (let slice = 0; slice < slices; slice += 1) await this.pass();
    if (!this.wishes.has(by)) this.begin(by, reason);
    await this.fleet.pass(0);
    this.look();
    if (answer !== undefined) await this.answer(answer);
  }

  /** The server answers within the time that a fetch may take. */
  async pass(): Promise<void> {
    await this.fleet.pass(SLICE_MS);
    this.look();
    const [asked] = this.fleet.pending;
    if (asked !== undefined && this.fleet.clock.ms - asked.atMs >= 4_000) await this.answer('ok');
  }

  private begin(by: number, reason: FetchWish['reason']): void {
    const wish = this.fleet.wish({ reason, newerThanMs: this.newestMs.get(by) });
    this.wishes.set(by, wish);
    this.ended.push(this.end(by, wish));
  }

  private async end(by: number, wish: FetchWish): Promise<void> {
    const outcome = await this.gateways[by]?.fetch(wish);
    this.wishes.delete(by);
    if (outcome?.ok !== true) return;
    const { newerThanMs = 0 } = wish;
    expect(outcome.fetchedAtMs).toBeGreaterThanOrEqual(outcome.isAskedByAnother ? newerThanMs + 1 : newerThanMs);
    this.newestMs.set(by, outcome.fetchedAtMs);
  }

  private async answer(how: 'ok' | 'down'): Promise<void> {
    if (this.fleet.pending.size === 0) return;
    if (how === 'down') this.failedAtMs = this.fleet.clock.ms;
    await this.fleet.answer(how === 'ok' ? served(60, 'a') : DOWN);
    this.look();
  }

  /** What was asked since the last look. */
  private look(): void {
    for (const { by, atMs } of this.fleet.asked.slice(this.seen)) {
      expect(atMs - this.failedAtMs).toBeGreaterThanOrEqual(COOLDOWN_MS);
      if (this.wishes.get(by)?.reason !== 'unknown-key') continue;
      expect(atMs - this.unknownKeyAtMs).toBeGreaterThanOrEqual(COOLDOWN_MS);
      this.unknownKeyAtMs = atMs;
    }
    this.seen = this.fleet.asked.length;
    expect(this.fleet.pending.size).toBeLessThanOrEqual(1);
  }
}

it('gateways that share key sets never ask twice at once, nor within the cooldown, and every wish ends', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const fleet = new RandomFleet();
      for (const one of steps) await fleet.take(one);
      await fleet.close();
    }),
    { numRuns: 20 },
  );
});
