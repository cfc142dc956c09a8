import type { RedisClient } from '#libs/redis-clients';
import type { ChannelKeys } from '#libs/config-distribution';
import {
  RedisRevocationLedger,
  RevocationLedgerUnavailable,
  type LedgerPosition,
  type RevocationLedger,
  type RevocationUrgency,
  type TokenRevocation,
} from '#libs/token-revocations';

/** The ledger of an environment whose keys become known only after the start; unavailable until then. */
export class EnvironmentRevocationLedger implements RevocationLedger {
  private ledger: RevocationLedger | undefined;

  constructor(
    private readonly redis: RedisClient,
    private readonly environment: string,
    private readonly keys: () => ChannelKeys | undefined,
  ) {}

  async record(revocations: readonly TokenRevocation[], nowMs: number, urgency?: RevocationUrgency) {
    return this.known('record').record(revocations, nowMs, urgency);
  }

  async since(position: LedgerPosition | undefined) {
    return this.known('since').since(position);
  }

  private known(step: string): RevocationLedger {
    const keys = this.keys();
    if (keys === undefined) throw new RevocationLedgerUnavailable(step);
    this.ledger ??= new RedisRevocationLedger(this.redis, this.environment, keys.keyFor('token-revocations'));
    return this.ledger;
  }
}
