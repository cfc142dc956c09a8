import { liveFamiliesKey } from './refresh-token-keys.ts';
import type { RefreshTokenScripts } from './refresh-token-scripts.ts';

/** How long changes are gathered before they are sent together, in milliseconds. */
const GATHER_MS = 200;
/** Changes that one script takes at most, so that it never holds the server up. */
const MOST_AT_ONCE = 500;
const ENDED = 0;

/**
 * How many families of an environment live, for people to see. It lies in a slot of its own and therefore in no step's
 * script: changes are gathered and sent once in a while, nobody waits for them, and those that cannot be sent are lost.
 */
export class LiveFamilies {
  private readonly key: string;
  /** Family id -> expiry of its newest token, or ENDED. */
  private changes = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  /** The latest time that was told; the clock is the callers'. */
  private nowMs = 0;

  constructor(
    private readonly scripts: Pick<RefreshTokenScripts, 'gatewardenLiveRefreshFamilies'>,
    environment: string,
  ) {
    this.key = liveFamiliesKey(environment);
  }

  lives(familyId: string, expiresAtMs: number, nowMs: number): void {
    this.nowMs = nowMs;
    this.note(familyId, expiresAtMs);
  }

  ended(familyIds: readonly string[]): void {
    for (const familyId of familyIds) this.note(familyId, ENDED);
  }

  /** Sends what is gathered first. */
  async count(nowMs: number): Promise<number> {
    this.nowMs = nowMs;
    return Number(await this.send());
  }

  private note(familyId: string, expiresAtMs: number): void {
    this.changes.set(familyId, expiresAtMs);
    if (this.changes.size >= MOST_AT_ONCE) this.sendUnattended();
    else this.timer ??= setTimeout(() => this.sendUnattended(), GATHER_MS).unref();
  }

  private sendUnattended(): void {
    // A count for people is not worth a failure of anything.
    this.send().catch(() => undefined);
  }

  private async send(): Promise<unknown> {
    const changes = [...this.changes].flat();
    const latestMs = Math.max(this.nowMs, ...this.changes.values());
    this.changes = new Map();
    clearTimeout(this.timer);
    this.timer = undefined;
    return this.scripts.gatewardenLiveRefreshFamilies(this.key, this.nowMs, latestMs - this.nowMs, ...changes);
  }
}
