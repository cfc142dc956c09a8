import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { EVENT_STORE, type EventStore } from '#libs/event-store';
import type { JwsAlgorithmName } from '#libs/jwt-engine';
import type { ArtifactSigningKeys } from '#libs/policy-contracts';
import { loadState } from '../../decider/stream-states.ts';
import type { ActiveEnvironment } from '../../environments/domain/environment.decider.ts';
import { DATABASE, VAULT } from '../../injection-tokens.ts';
import {
  keyStoreDecider,
  keyStoreStream,
  slotFor,
  type KeyStoreState,
} from '../../key-stores/domain/key-store.decider.ts';
import { verifyingOnly } from '../../key-stores/domain/key-slots.ts';
import type { StoredKey } from '../../key-stores/domain/key-store.events.ts';
import { algorithmsOf, signingFault } from '../../key-stores/domain/key-use.ts';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import { CannotCompile } from './cannot-compile.ts';

/** What a policy wants of a key of its project. */
interface KeyWish {
  readonly policyName: string;
  readonly keyStoreName: string;
  readonly algorithm: JwsAlgorithmName;
}

type Jwk = Readonly<Record<string, unknown>>;

/** Keys that policies name as `keyStoreName`, as they are now. */
@Injectable()
export class ProjectKeys {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(VAULT) private readonly vault: SecretVault,
  ) {}

  /**
   * The environment's key, or the one that all share; those before it still verify, and one that is to sign already does.
   *
   * @throws CannotCompile when there is none, or none that can sign
   */
  async keyOf(projectId: string, environment: ActiveEnvironment, wish: KeyWish): Promise<ArtifactSigningKeys> {
    const { keyStoreName, policyName, algorithm } = wish;
    const refuse = (reason: string) => new CannotCompile(`policy ${policyName}: key ${keyStoreName} ${reason}`);
    const state = await this.stateOf(projectId, keyStoreName);
    if (state.status === 'absent') throw refuse('does not exist in the project');
    const slot = slotFor(state, environment.environmentId);
    if (slot === undefined) throw refuse(`has no key for environment ${environment.name}`);
    const fault = signingFault(slot.current, algorithm);
    if (fault !== undefined) throw refuse(fault.reason);
    const next = slot.next === null ? [] : [verifyingOnly(slot.next)];
    const others = [...next, ...slot.previous].filter((key) => algorithmsOf(key).includes(algorithm));
    return {
      signing: await this.jwkOf(slot.current, algorithm),
      verification: await Promise.all(others.map((key) => this.jwkOf(key, algorithm))),
    };
  }

  private async stateOf(projectId: string, name: string): Promise<KeyStoreState> {
    const found = await this.database.query<{ entity_id: string }>(
      `select entity_id from names where kind = 'key-store' and scope = $1 and name = $2`,
      [projectId, name],
    );
    const keyStoreId = found.rows[0]?.entity_id;
    if (keyStoreId === undefined) return keyStoreDecider.initialState;
    return (await loadState(this.store, keyStoreDecider, keyStoreStream(keyStoreId))).state;
  }

  /** For this one algorithm: the policy takes no other. */
  private async jwkOf({ material, publicJwk }: StoredKey, algorithm: JwsAlgorithmName): Promise<Jwk> {
    const jwk =
      material === null ? publicJwk : (JSON.parse(await this.vault.get(this.database, material.secretId)) as Jwk);
    return { ...jwk, alg: algorithm };
  }
}
