import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { EVENT_STORE, type EventStore } from '#libs/event-store';
import type { ClientRecord, CredentialRecord, KeySetOrders } from '#libs/policy-contracts';
import { apiProxyDecider, apiProxyStream } from '../../api-proxies/domain/index.ts';
import { KEY_SET_ORDERS, type IdentityWish } from '../../channel-upkeep/identity-wishes.ts';
import {
  credentialDecider,
  credentialStream,
  type ActiveCredential,
} from '../../credentials/domain/credential.decider.ts';
import { unreachable } from '../../decider/decider.ts';
import { loadState } from '../../decider/stream-states.ts';
import { environmentDecider, environmentStream } from '../../environments/domain/environment.decider.ts';
import { DATABASE, VAULT } from '../../injection-tokens.ts';
import type { SecretVault } from '../../persistence/secret-vault.ts';

type Content = ClientRecord | CredentialRecord | KeySetOrders;

/** What a gateway is told of a user or a proxy's key pair, or is ordered: as it is now, whatever it was when it was wished for. */
@Injectable()
export class IdentityContent {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(VAULT) private readonly vault: SecretVault,
  ) {}

  /** null: there is no such user or key pair any more. */
  of(wish: IdentityWish): Promise<Content | null> {
    switch (wish.kind) {
      case 'client':
        return this.client(wish);
      case 'credential':
        return this.credential(wish);
      case 'orders':
        return this.orders(wish);
      default:
        return unreachable(wish.kind);
    }
  }

  /** Of an environment that never had any, too: no orders are what its gateways are to obey then. */
  private async orders({ subject, entityId }: IdentityWish): Promise<KeySetOrders | null> {
    if (subject !== KEY_SET_ORDERS.subject) return null;
    const { state: environment } = await loadState(this.store, environmentDecider, environmentStream(entityId));
    return environment.status === 'absent' ? null : environment.keySetOrders;
  }

  private async client({ subject, entityId }: IdentityWish): Promise<ClientRecord | null> {
    const { state: proxy } = await loadState(this.store, apiProxyDecider, apiProxyStream(entityId));
    if (proxy.status === 'absent' || proxy.keys.publicKey !== subject) return null;
    const secretVerifier = await this.vault.get(this.database, proxy.keys.secretKey.secretId);
    const { project, name, proxyId } = proxy;
    return { clientId: subject, project, proxy: name, proxyId, secretVerifier };
  }

  private async credential({ entityId }: IdentityWish): Promise<CredentialRecord | null> {
    const { state: credential } = await loadState(this.store, credentialDecider, credentialStream(entityId));
    if (credential.status === 'absent') return null;
    const passwordVerifier = await this.vault.get(this.database, credential.password.secretId);
    const { username, project, enabled, expiresAt, roles, ipList, tokenSettings } = credential;
    const passwordId = credential.password.secretId;
    return {
      ...{ username, project, passwordVerifier, passwordId, enabled, expiresAt },
      ...{ roles: [...roles], ipList: [...ipList] },
      access: await this.accessOf(credential),
      tokenSettings: tokenSettings === null ? null : { ...tokenSettings },
    };
  }

  /** Proxies by the names they bear now; one that is deleted is left out, whoever bears its name since. */
  private async accessOf({ access }: ActiveCredential): Promise<CredentialRecord['access']> {
    if (access.length === 0) return [];
    const found = await this.database.query<{ proxy_id: string; proxy: string; project: string }>(
      `select proxies.entity_id as proxy_id, proxies.name as proxy, projects.name as project from names proxies
       join names projects on projects.kind = 'project' and projects.entity_id = proxies.scope
       where proxies.kind = 'api-proxy' and proxies.entity_id = any($1)`,
      [access.map(({ proxyId }) => proxyId)],
    );
    const expiries = new Map(access.map(({ proxyId, expiresAt }) => [proxyId, expiresAt]));
    return found.rows
      .map((row) => ({ project: row.project, proxy: row.proxy, expiresAt: expiries.get(row.proxy_id) ?? null }))
      .sort((left, right) => (left.proxy < right.proxy ? -1 : 1));
  }
}
