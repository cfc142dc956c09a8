import type { RedisClient } from '#libs/redis-clients';
import type { ChannelKeys } from '#libs/config-distribution';
import {
  RedisRefreshTokenStore,
  RefreshTokenStoreUnavailable,
  type RefreshTokenExpectation,
  type RefreshTokenOwner,
  type RefreshTokenRules,
  type RefreshTokenStore,
  type RefreshTokenSubject,
  type SeenRefreshToken,
} from '#libs/refresh-token-store';

/** The refresh tokens of an environment whose keys become known only after the start; unavailable until then. */
export class EnvironmentRefreshTokens implements RefreshTokenStore {
  private store: RefreshTokenStore | undefined;

  constructor(
    private readonly redis: RedisClient,
    private readonly environment: string,
    private readonly keys: () => ChannelKeys | undefined,
    private readonly gatewayId: string,
  ) {}

  async issue(subject: RefreshTokenSubject, rules: RefreshTokenRules, nowMs: number) {
    return this.known('issue').issue(subject, rules, nowMs);
  }

  async rotate(
    token: string | SeenRefreshToken,
    expected: RefreshTokenExpectation,
    rules: RefreshTokenRules,
    nowMs: number,
  ) {
    return this.known('rotate').rotate(token, expected, rules, nowMs);
  }

  async inspect(token: string, expected: RefreshTokenExpectation, nowMs: number) {
    return this.known('inspect').inspect(token, expected, nowMs);
  }

  async revokeToken(token: string) {
    return this.known('revokeToken').revokeToken(token);
  }

  async revokeFamily(owner: RefreshTokenOwner, familyId: string) {
    return this.known('revokeFamily').revokeFamily(owner, familyId);
  }

  async revokeSubject(owner: RefreshTokenOwner) {
    return this.known('revokeSubject').revokeSubject(owner);
  }

  async familiesOf(owner: RefreshTokenOwner, nowMs: number) {
    return this.known('familiesOf').familiesOf(owner, nowMs);
  }

  async activeCount(owner: RefreshTokenOwner, nowMs: number) {
    return this.known('activeCount').activeCount(owner, nowMs);
  }

  async liveFamilies(nowMs: number) {
    return this.known('liveFamilies').liveFamilies(nowMs);
  }

  private known(step: string): RefreshTokenStore {
    const keys = this.keys();
    if (keys === undefined) throw new RefreshTokenStoreUnavailable(step);
    const { gatewayId } = this;
    this.store ??= new RedisRefreshTokenStore(this.redis, this.environment, keys.keyFor('refresh-tokens'), {
      gatewayId,
    });
    return this.store;
  }
}
