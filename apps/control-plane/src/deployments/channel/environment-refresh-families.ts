import { Injectable } from '@nestjs/common';
import {
  RefreshTokenStoreUnavailable,
  type RefreshTokenFamily,
  type RefreshTokenStore,
} from '#libs/refresh-token-store';
import type { FamilyOwner, RefreshFamilies, RefreshFamily } from '../../credentials/refresh-families.port.ts';
import { unavailable } from '../../decider/domain-error.ts';
import { EnvironmentChannels } from './environment-channels.ts';

const timeText = (ms: number): string => new Date(ms).toISOString();

function rowOf(family: RefreshTokenFamily): RefreshFamily {
  const { familyId, subject, startedAtMs, issuedAtMs, expiresAtMs, uses, lastUsedAtMs, startedBy, lastGateway } =
    family;
  const { proxyId, policy, clientId, scope } = subject;
  const times = {
    startedAt: timeText(startedAtMs),
    issuedAt: timeText(issuedAtMs),
    // A life may be longer than a date can say (ECMA-262 21.4.1.1).
    expiresAt: timeText(Math.min(expiresAtMs, 8_640_000_000_000_000)),
    lastUsedAt: lastUsedAtMs === undefined ? null : timeText(lastUsedAtMs),
  };
  const gateways = { startedBy: startedBy ?? null, gateway: lastGateway ?? null };
  return { family: familyId, proxyId, policy, clientId, scope, ...times, ...gateways, uses };
}

/** Looks at and ends logins where the gateways of an environment keep them. */
@Injectable()
export class EnvironmentRefreshFamilies implements RefreshFamilies {
  constructor(private readonly channels: EnvironmentChannels) {}

  list(environmentId: string, owners: readonly FamilyOwner[]): Promise<RefreshFamily[]> {
    return this.with(environmentId, async (store) => {
      const families = await Promise.all(owners.map((owner) => store.familiesOf(subjectOf(owner), Date.now())));
      return families.flat().map(rowOf);
    });
  }

  revoke(environmentId: string, owners: readonly FamilyOwner[], family: string | undefined): Promise<number> {
    return this.with(environmentId, async (store) => {
      const counts = await Promise.all(
        owners.map(async (owner) => {
          if (family === undefined) return store.revokeSubject(subjectOf(owner));
          return (await store.revokeFamily(subjectOf(owner), family)) ? 1 : 0;
        }),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    });
  }

  private async with<Value>(environmentId: string, ask: (store: RefreshTokenStore) => Promise<Value>): Promise<Value> {
    const { refreshTokens, name } = await this.channels.of(environmentId);
    try {
      return await ask(refreshTokens);
    } catch (error) {
      if (!(error instanceof RefreshTokenStoreUnavailable)) throw error;
      throw unavailable(`the Redis of environment ${name} cannot be reached; try again`);
    }
  }
}

const subjectOf = ({ proxyId, policy, username }: FamilyOwner) => ({ proxyId, policy, subject: username });
