import { FaultPoint, type Moment, type Step } from './fault-point.ts';
import { until } from './until.ts';

/** How often a program has to have asked something by itself until everything that it asks by itself was seen. */
const TURNS_OF_IDLENESS = 4;

/**
 * The fault point at the n-th thing that a program asks because of one request: so that a test reaches every one of them,
 * those included that are there only since yesterday. What the program asks by itself, now and then, does not count.
 */
export class NthCommand extends FaultPoint {
  /** How often each thing was asked without any request. */
  private readonly idle = new Map<string, number>();
  private isIdle = false;
  private seen: Step[] = [];
  private fault: { readonly n: number; readonly moment: Moment } | undefined;

  /** Learns what is asked while nobody requests anything: the turn that comes round most often came round a few times. */
  async learnIdleness(): Promise<void> {
    this.idle.clear();
    this.isIdle = true;
    await until('the program has asked what it asks by itself', async () => {
      return Math.max(0, ...this.idle.values()) >= TURNS_OF_IDLENESS;
    });
    this.isIdle = false;
  }

  /** @returns what resolves when the n-th command, from 1 on, was met and everything stands still */
  armNth(n: number, moment: Moment): Promise<void> {
    this.seen = [];
    this.fault = { n, moment };
    return this.arm({ step: { name: `command ${n}`, isKept: true }, moment });
  }

  /** The commands since it was armed, in their order. */
  get met(): readonly string[] {
    return this.seen.map(({ name }) => name);
  }

  override release(): void {
    this.fault = undefined;
    super.release();
  }

  override meet(step: Step): Moment | undefined {
    if (this.isIdle) this.idle.set(step.name, (this.idle.get(step.name) ?? 0) + 1);
    if (this.fault === undefined || this.idle.has(step.name)) return undefined;
    this.seen.push(step);
    return this.seen.length === this.fault.n ? this.fault.moment : undefined;
  }
}
