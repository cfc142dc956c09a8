import type { CredentialRecord } from '#libs/policy-contracts';
import { badClient, type ClientClaim } from '../identity/client-authentication.ts';
import type { CredentialPasswords, PasswordClaim } from '../identity/credential-passwords.ts';
import type { IdentityDirectory } from '../identity/identity.port.ts';
import { standingOf, type Presence } from '../identity/user-standing.ts';
import { tooManyFailures, unavailable, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import type { KnownClient } from './token-service.ts';

type NamedCredential = Pick<PasswordClaim, 'username' | 'credential' | 'passwords'>;

const known = (record: CredentialRecord): KnownClient => ({
  kind: 'client',
  clientId: record.username,
  project: record.project,
  title: undefined,
  hasProvenSecret: true,
  roles: record.roles,
  proofId: record.passwordId,
  record,
});

/** For logs, which name only whoever exists. */
const of = (credential: CredentialRecord | undefined, refusal: OAuthRefusal): OAuthRefusal => ({
  ...refusal,
  about: { subject: credential?.username },
});

/** Credentials as clients: the user name is the `client_id`, the password the secret. */
export class CredentialClients {
  constructor(
    private readonly identities: IdentityDirectory,
    private readonly passwords: CredentialPasswords,
  ) {}

  /** Whoever it gives has proven its password, and nothing stands against it. */
  async find(claim: ClientClaim, presence: Presence): Promise<KnownClient | OAuthRefusal> {
    let refusal = badClient(claim.isBasic, 'no-client-secret');
    for (const named of await this.namedBy(claim)) {
      const found = await this.proven(named, claim.isBasic, presence);
      if (found.kind === 'client' || found.error !== 'invalid_client') return found;
      refusal = found;
    }
    return refusal;
  }

  /** Whoever the readings of a claim name: those that exist, or else one that does not. */
  private async namedBy({ readings }: ClientClaim): Promise<NamedCredential[]> {
    const secrets = new Map<string, string[]>();
    for (const { clientId, secret } of readings) {
      if (secret !== undefined) secrets.set(clientId, [...(secrets.get(clientId) ?? []), secret]);
    }
    const named: NamedCredential[] = [];
    for (const [username, passwords] of secrets) {
      named.push({ username, passwords, credential: await this.identities.credential(username) });
    }
    const existing = named.filter(({ credential }) => credential !== undefined);
    return existing.length > 0 ? existing : named.slice(0, 1);
  }

  private async proven(
    named: NamedCredential,
    isBasic: boolean,
    { clientAddress, nowMs }: Presence,
  ): Promise<KnownClient | OAuthRefusal> {
    const { credential } = named;
    const standing = standingOf(credential, { project: credential?.project ?? '', clientAddress, nowMs });
    const isWelcome = standing.kind === 'good';
    const verdict = await this.passwords.check({ ...named, isWelcome, clientAddress, nowMs });
    switch (verdict.kind) {
      case 'blocked':
        return tooManyFailures(verdict.retryAfterSeconds, { subject: credential?.username });
      case 'busy':
        return unavailable('Too many logins at once.', 'password-checks-full');
      case 'wrong':
        return of(credential, badClient(isBasic, credential === undefined ? 'unknown-client' : 'wrong-client-secret'));
      case 'right':
        return standing.kind === 'good'
          ? known(standing.credential)
          : of(credential, badClient(isBasic, standing.kind));
    }
  }
}
