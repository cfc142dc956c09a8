import { setTimeout as pause } from 'node:timers/promises';
import { type SeededRandom } from './seeded-random.ts';
import { type RedisVictim, type Victim, type Victims } from './victims.ts';

const BETWEEN_STRIKES_MS = { least: 150, most: 2_500 };
/** The longest is more than a lease holds (5 s), and more than a job's lock. */
const AWAY_MS = { least: 0, most: 7_000 };
const AT_ONCE = 2;
/** A gateway looks every second by itself. */
const OLD_COPY_ALONE_MS = 4_000;
const ACTS = { kill: 4, end: 2, freeze: 2 } as const;
type Act = keyof typeof ACTS;

/** What is done once, at these parts of the time. */
const COPIED_AT = 0.25;
const EMPTIED_AT = 0.4;
const BROUGHT_BACK_AT = 0.6;

export interface MonkeyPlan {
  readonly durationMs: number;
  /** Ends it before. */
  readonly signal: AbortSignal;
  readonly emptied: string;
  readonly broughtBack: string;
  /** Where the old copy lies meanwhile. */
  readonly copyDirectory: string;
}

/** Kills, ends and freezes whatever it comes upon; what it does, and in which order, is a matter of the seed alone. */
export class Monkey {
  /** How often, by kind of victim and act. */
  readonly strikes = new Map<string, number>();
  /** What did not end or start as it should. */
  readonly complaints: string[] = [];
  private readonly busy = new Map<Victim, Promise<void>>();

  constructor(
    private readonly victims: Victims,
    private readonly random: SeededRandom,
    private readonly say: (line: string) => void,
  ) {}

  /** Ends when everything runs again. */
  async run(plan: MonkeyPlan): Promise<void> {
    const startedMs = performance.now();
    const once = this.onceOnly(plan);
    for (;;) {
      const elapsedMs = performance.now() - startedMs;
      if (elapsedMs >= plan.durationMs || plan.signal.aborted) break;
      const due = once[0];
      if (due !== undefined && elapsedMs >= due.at * plan.durationMs) {
        once.shift();
        await this.whenIdle(due.victim, due.what, due.act);
      }
      await this.strikeOnce();
    }
    for (const { victim, what, act } of plan.signal.aborted ? [] : once) await this.whenIdle(victim, what, act);
    await Promise.all(this.busy.values());
  }

  private onceOnly(plan: MonkeyPlan) {
    const emptied = this.redis(plan.emptied);
    const old = this.redis(plan.broughtBack);
    return [
      { at: COPIED_AT, victim: old, what: 'copy', act: () => old.copyTo(plan.copyDirectory) },
      { at: EMPTIED_AT, victim: emptied, what: 'empty', act: () => emptied.empty() },
      { at: BROUGHT_BACK_AT, victim: old, what: 'old copy', act: () => this.bringBack(old, plan.copyDirectory) },
    ];
  }

  /** With nobody there to repair it at once: gateways have to see by themselves that it is old. */
  private async bringBack(old: RedisVictim, directory: string): Promise<void> {
    await old.copyIsOld();
    const deployers = this.victims.all.filter(({ kind }) => kind === 'deployer');
    for (const deployer of deployers) deployer.freeze();
    await old.bringBack(directory);
    await pause(OLD_COPY_ALONE_MS);
    for (const deployer of deployers) deployer.thaw();
  }

  private async strikeOnce(): Promise<void> {
    const victim = this.random.pick(this.victims.all);
    const act = this.random.pickWeighted(ACTS);
    const awayMs = this.random.between(AWAY_MS.least, AWAY_MS.most);
    const waitMs = this.random.between(BETWEEN_STRIKES_MS.least, BETWEEN_STRIKES_MS.most);
    if (this.busy.size >= AT_ONCE) await Promise.race(this.busy.values());
    if (!this.busy.has(victim)) this.begin(victim, act, () => this.strike(victim, act, awayMs));
    await pause(waitMs);
  }

  private async strike(victim: Victim, act: Act, awayMs: number): Promise<void> {
    this.say(`${act} ${victim.name} for ${awayMs} ms`);
    if (act === 'freeze') {
      victim.freeze();
      await pause(awayMs);
      victim.thaw();
      return;
    }
    await this.tolerating(() => victim[act]());
    await pause(awayMs);
    await this.tolerating(() => victim.startAgain());
  }

  private async whenIdle(victim: Victim, what: string, act: () => Promise<void>): Promise<void> {
    await this.busy.get(victim);
    this.say(`${what}: ${victim.name}`);
    this.begin(victim, what, () => this.tolerating(act));
    await this.busy.get(victim);
  }

  private begin(victim: Victim, what: string, act: () => Promise<void>): void {
    const key = `${victim.kind}: ${what}`;
    this.strikes.set(key, (this.strikes.get(key) ?? 0) + 1);
    this.busy.set(
      victim,
      act().finally(() => this.busy.delete(victim)),
    );
  }

  private async tolerating(act: () => Promise<void>): Promise<void> {
    await act().catch((error: unknown) => void this.complaints.push(String(error)));
  }

  private redis(environment: string): RedisVictim {
    const found = this.victims.redises.get(environment);
    if (found === undefined) throw new Error(`no Redis of ${environment}`);
    return found;
  }
}
