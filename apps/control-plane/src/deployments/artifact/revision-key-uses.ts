import { proxyAtRevision } from '../../api-proxies/domain/index.ts';
import { accessTokenLifeMs } from '#libs/policy-contracts';
import type { Unit } from '../../persistence/unit-of-work.ts';

/** A policy of a revision that signs with a key of the project. */
export interface RevisionKeyUse {
  readonly keyStoreName: string;
  /** null: its tokens never expire. */
  readonly tokenLifeMs: number | null;
  /** Of tokens that are issued by the own settings of credentials, with the same key; null: none are. */
  readonly ownSettingsAlgorithm: string | null;
}

interface ProxyRevision {
  readonly proxyId: string;
  readonly revision: number;
}

const MOST_KNOWN = 10_000;

/**
 * Which key stores revisions use. A revision never changes, so each is read once: who waits for deployments asks again
 * every second. Only for revisions that are recorded, never within the change that makes them.
 */
export class RevisionKeyUses {
  private readonly known = new Map<string, readonly RevisionKeyUse[]>();

  /** Nothing of a proxy that had been deleted at that revision. */
  async of(unit: Unit, { proxyId, revision }: ProxyRevision): Promise<readonly RevisionKeyUse[]> {
    const key = `${proxyId}/${revision}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const proxy = await proxyAtRevision(unit.streams, proxyId, revision);
    if (proxy.status !== 'active') return [];
    const uses = proxy.policies.flatMap(({ policy }): RevisionKeyUse[] => {
      if (policy.type !== 'policy-auth-jwt' || policy.keyStoreName === undefined) return [];
      const { keyStoreName, managedFromThisPolicy, jwtSignatureAlgorithm } = policy;
      const ownSettingsAlgorithm = managedFromThisPolicy ? null : jwtSignatureAlgorithm;
      return [{ keyStoreName, tokenLifeMs: accessTokenLifeMs(policy) ?? null, ownSettingsAlgorithm }];
    });
    if (this.known.size >= MOST_KNOWN) this.known.clear();
    this.known.set(key, uses);
    return uses;
  }
}
