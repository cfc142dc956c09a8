import { generateSigningKey, type JwsAlgorithmName } from '#libs/jwt-engine';
import { createPasswordVerifier, createSecretVerifier, type CredentialRecord } from '#libs/policy-contracts';
import { Rig } from '../http-server/testing/rig.ts';
import { ConfiguredGateways, equalMembers, type MemberWishes, type PublishedProxy } from './configured-gateways.ts';

/** The key pair of a proxy. What Basic credentials are made of has to be encoded first (RFC 6749 section 2.3.1). */
export const secretOf = (proxy: string): string => `secret of ${proxy}: 100% + ü`;
export const USER = { name: 'ann', password: 'correct horse: battery + staple é' } as const;

export type TokenPolicy = Readonly<Record<string, unknown>> & { readonly jwtSignatureAlgorithm: JwsAlgorithmName };

/** A proxy that is a client of `/auth` under its own name, and whose one policy issues tokens of five minutes. */
export interface TokenProxy {
  readonly proxy: string;
  readonly policy: TokenPolicy;
  readonly cors?: PublishedProxy['cors'];
}

const MINUTES = { tokenNeverExpires: false, tokenExpiresInAmount: 5, tokenExpiresInUnit: 'MINUTES' };

/** Gateways of one environment that issue tokens, in front of one upstream. The issuer is where the first one listens. */
export class TokenGateways {
  private readonly rig = new Rig();
  private upstreamUrl = '';

  private constructor(readonly gateways: ConfiguredGateways) {}

  static async start(
    redisUrl: string,
    members: readonly MemberWishes[] = equalMembers(2),
    startsAtMs: number = Date.now(),
  ): Promise<TokenGateways> {
    const started = new TokenGateways(await ConfiguredGateways.start(redisUrl, startsAtMs, members));
    const upstream = await started.rig.upstream((_request, response) => response.end('reached'));
    started.upstreamUrl = upstream.url;
    return started;
  }

  /** Where a gateway listens; the first one when none is named. */
  origin(index = 0): string {
    return `http://127.0.0.1:${this.gateways.port(this.gateways.ids[index] ?? '')}`;
  }

  /** What `/auth` is discovered by: RFC 8414 wants its own metadata to say the same. */
  get issuer(): string {
    return `${this.origin()}/auth`;
  }

  /** Publishes proxies with a fresh key each, makes them clients, and ends when every gateway serves them. */
  async publish(proxies: readonly TokenProxy[]): Promise<void> {
    for (const { proxy } of proxies) await this.tellClient(proxy);
    await this.gateways.publish(proxies.map((wishes) => this.published(wishes)));
  }

  /** Makes a user known whose password is right, with the roles `read` and `write`, but for what is named. */
  async tellUser(changes: Partial<CredentialRecord> = {}): Promise<void> {
    const username = changes.username ?? USER.name;
    await this.gateways.tell('credential', username, {
      ...{ username, project: 'shop', enabled: true, expiresAt: null, roles: ['read', 'write'] },
      ...{ passwordVerifier: await createPasswordVerifier(USER.password), passwordId: 'password-1' },
      ...changes,
    });
  }

  async stop(): Promise<void> {
    await this.gateways.stop();
    await this.rig.stop();
  }

  private tellClient(proxy: string): Promise<void> {
    const place = { clientId: proxy, project: 'shop', proxy, proxyId: `id-of-${proxy}` };
    return this.gateways.tell('client', proxy, { ...place, secretVerifier: createSecretVerifier(secretOf(proxy)) });
  }

  private published({ proxy, policy, cors }: TokenProxy): PublishedProxy {
    const signing = generateSigningKey(policy.jwtSignatureAlgorithm).jwk;
    return {
      ...{ proxy, addresses: [this.upstreamUrl], tokenIssuer: this.issuer },
      pipelines: { request: [{ name: 'issue', policy: { type: 'policy-auth-jwt', ...MINUTES, ...policy } }] },
      signingKeys: { issue: { signing, verification: [] } },
      ...(cors === undefined ? {} : { cors }),
    };
  }
}
