import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisClient } from '#libs/redis-clients';
import {
  LoginThrottleUnavailable,
  type LoginAttempt,
  type LoginFailure,
  type LoginLimits,
  type LoginStanding,
  type LoginThrottle,
} from './login-throttle.port.ts';
import { networkOf } from './network-of.ts';

/** Each script's header says what its keys and arguments are. */
const SCRIPTS = {
  gatewardenLookAtLoginFailures: './look-at-failures.lua',
  gatewardenCountLoginFailure: './count-failure.lua',
} as const;
const DIGEST_BYTES = 16;

type Script = (...keysThenArguments: (string | number)[]) => Promise<unknown>;
type Scripts = { readonly [Name in keyof typeof SCRIPTS]: Script };

/** Failures of different kinds are counted apart. */
export type LoginKind = 'password' | 'client-secret';

/** Where an environment's failures of one kind are counted, and how many are too many. */
export interface LoginCounters {
  readonly environment: string;
  /** 32 bytes derived from the environment's key for this purpose. */
  readonly key: Buffer;
  readonly kind: LoginKind;
  readonly limits: LoginLimits;
}

/**
 * Counts in the environment's Redis, which ends them. Keys are keyed digests, so Redis tells neither names nor
 * addresses; both keys of a step lie in one cluster slot, by the digest of the address.
 */
export class RedisLoginThrottle implements LoginThrottle {
  private readonly scripts: Scripts;

  constructor(
    private readonly redis: RedisClient,
    private readonly counters: LoginCounters,
  ) {
    for (const [name, file] of Object.entries(SCRIPTS)) {
      redis.defineCommand(name, { lua: readFileSync(new URL(file, import.meta.url), 'utf8'), numberOfKeys: 2 });
    }
    this.scripts = redis as unknown as Scripts;
  }

  async standing(attempt: LoginAttempt): Promise<LoginStanding> {
    const { name, address } = this.keysOf(attempt);
    const { blockMs } = this.counters.limits;
    const look = () => this.scripts.gatewardenLookAtLoginFailures(name, address, ...this.limits, blockMs);
    const { failures, retryAfterSeconds } = await this.answer(look);
    return retryAfterSeconds === 0 ? { kind: 'open', failures } : { kind: 'blocked', retryAfterSeconds };
  }

  async failed(attempt: LoginAttempt): Promise<LoginFailure> {
    const { name, address } = this.keysOf(attempt);
    const { blockMs } = this.counters.limits;
    const count = () => this.scripts.gatewardenCountLoginFailure(name, address, ...this.limits, blockMs);
    const { failures, retryAfterSeconds } = await this.answer(count);
    return retryAfterSeconds === 0 ? { kind: 'counted', failures } : { kind: 'blocked', retryAfterSeconds };
  }

  async succeeded(attempt: LoginAttempt): Promise<void> {
    try {
      await this.redis.unlink(this.keysOf(attempt).name);
    } catch (cause) {
      throw new LoginThrottleUnavailable({ cause });
    }
  }

  private get limits(): readonly [perName: number, perAddress: number] {
    const { failuresPerName, failuresPerAddress } = this.counters.limits;
    return [failuresPerName, failuresPerAddress];
  }

  private keysOf({ name, clientAddress }: LoginAttempt): { readonly name: string; readonly address: string } {
    const network = networkOf(clientAddress);
    const { environment, kind } = this.counters;
    const address = `gw:${environment}:login-failures:{${this.digest([kind, network])}}`;
    return { name: `${address}:${this.digest([kind, network, name])}`, address };
  }

  private digest(parts: readonly string[]): string {
    const mac = createHmac('sha256', this.counters.key).update(JSON.stringify(parts), 'utf8').digest();
    return mac.subarray(0, DIGEST_BYTES).toString('base64url');
  }

  private async answer(send: () => Promise<unknown>) {
    try {
      const [failures, waitMs] = (await send()) as [number, number];
      return { failures, retryAfterSeconds: Math.ceil(waitMs / 1_000) };
    } catch (cause) {
      throw new LoginThrottleUnavailable({ cause });
    }
  }
}
