import type {
  LoginAttempt,
  LoginFailure,
  LoginLimits,
  LoginStanding,
  LoginThrottle,
} from '../identity/login-throttle/login-throttle.port.ts';
import { networkOf } from '../identity/login-throttle/network-of.ts';

interface Count {
  failures: number;
  endsAtMs: number;
}

/** The promise of the port, without a server. */
export class InMemoryLoginThrottle implements LoginThrottle {
  private readonly counts = new Map<string, Count>();

  /** @param nowMs never set back */
  constructor(
    private readonly limits: LoginLimits,
    private readonly nowMs: () => number,
  ) {}

  async standing(attempt: LoginAttempt): Promise<LoginStanding> {
    const counted = this.counted(attempt);
    const waitsMs = counted.flatMap(({ key, limit }) => {
      const count = this.living(key);
      return count !== undefined && count.failures >= limit ? [count.endsAtMs - this.nowMs()] : [];
    });
    if (waitsMs.length > 0) return { kind: 'blocked', retryAfterSeconds: Math.ceil(Math.max(...waitsMs) / 1_000) };
    const own = this.limits.failuresPerName > 0 ? this.living(this.keysOf(attempt).name) : undefined;
    return { kind: 'open', failures: own?.failures ?? 0 };
  }

  async failed(attempt: LoginAttempt): Promise<LoginFailure> {
    const before = await this.standing(attempt);
    if (before.kind === 'blocked') return before;
    for (const { key, limit } of this.counted(attempt)) {
      const count = this.living(key) ?? { failures: 0, endsAtMs: this.nowMs() + this.limits.blockMs };
      count.failures += 1;
      if (count.failures === limit) count.endsAtMs = this.nowMs() + this.limits.blockMs;
      this.counts.set(key, count);
    }
    return { kind: 'counted', failures: this.limits.failuresPerName > 0 ? before.failures + 1 : 0 };
  }

  async succeeded(attempt: LoginAttempt): Promise<void> {
    this.counts.delete(this.keysOf(attempt).name);
  }

  private keysOf({ name, clientAddress }: LoginAttempt): { readonly name: string; readonly address: string } {
    const network = networkOf(clientAddress);
    return { name: JSON.stringify([network, name]), address: JSON.stringify([network]) };
  }

  private counted(attempt: LoginAttempt): readonly { readonly key: string; readonly limit: number }[] {
    const { name, address } = this.keysOf(attempt);
    const all = [
      { key: name, limit: this.limits.failuresPerName },
      { key: address, limit: this.limits.failuresPerAddress },
    ];
    return all.filter(({ limit }) => limit > 0);
  }

  private living(key: string): Count | undefined {
    const count = this.counts.get(key);
    return count !== undefined && count.endsAtMs > this.nowMs() ? count : undefined;
  }
}
