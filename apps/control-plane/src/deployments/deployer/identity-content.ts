import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { EVENT_STORE, type EventStore } from '#libs/event-store';
import type { ClientRecord, CredentialRecord } from '#libs/policy-contracts';
import { apiProxyDecider, apiProxyStream } from '../../api-proxies/domain/index.ts';
import type { IdentityWish } from '../../channel-upkeep/identity-wishes.ts';
import { credentialDecider, credentialStream } from '../../credentials/domain/credential.decider.ts';
import { fold } from '../../decider/decider.ts';
import { DATABASE, VAULT } from '../../injection-tokens.ts';
import type { SecretVault } from '../../persistence/secret-vault.ts';

/** What a gateway is told of a user or a proxy's key pair: as it is now, whatever it was when it was wished for. */
@Injectable()
export class IdentityContent {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(VAULT) private readonly vault: SecretVault,
  ) {}

  /** null: there is no such user or key pair any more. */
  of(wish: IdentityWish): Promise<ClientRecord | CredentialRecord | null> {
    return wish.kind === 'client' ? this.client(wish) : this.credential(wish);
  }

  private async client({ subject, entityId }: IdentityWish): Promise<ClientRecord | null> {
    const proxy = fold(apiProxyDecider, await this.store.readStream(apiProxyStream(entityId)));
    if (proxy.status === 'absent' || proxy.keys.publicKey !== subject) return null;
    const secretVerifier = await this.vault.get(this.database, proxy.keys.secretKey.secretId);
    const { project, name, proxyId } = proxy;
    return { clientId: subject, project, proxy: name, proxyId, secretVerifier };
  }

  private async credential({ entityId }: IdentityWish): Promise<CredentialRecord | null> {
    const credential = fold(credentialDecider, await this.store.readStream(credentialStream(entityId)));
    if (credential.status === 'absent') return null;
    const passwordVerifier = await this.vault.get(this.database, credential.password.secretId);
    const { username, project, enabled, expiresAt, roles } = credential;
    const passwordId = credential.password.secretId;
    return { username, project, passwordVerifier, passwordId, enabled, expiresAt, roles: [...roles] };
  }
}
