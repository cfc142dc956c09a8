import type { AuthJwtContract, ClientRecord, CredentialRecord } from '#libs/policy-contracts';
import type { AccessTokenTerms, LinkedIssuer } from '#libs/policy-runtime';
import type { ClientClaim } from '../identity/client-authentication.ts';
import type { IssuingProxy } from '../identity/identity.port.ts';
import type { Parameters } from '../protocol/form-parameters.ts';
import type { OAuthRefusal } from '../protocol/oauth-refusal.ts';
import type { TokenHttpRequest } from '../protocol/token-http.ts';
import type { TokenServiceName } from './token-places.ts';

/** A client that exists: a proxy by its key pair under `/auth`, a credential under `/credential`. */
export interface KnownClient {
  readonly kind: 'client';
  readonly clientId: string;
  /** Whose users may log in with it. */
  readonly project: string;
  /** For metrics and logs: `project/proxy` where the client is a proxy's. */
  readonly title: string | undefined;
  readonly hasProvenSecret: boolean;
  /** What it may have as scope when it logs in by itself; a proxy's key pair has none. */
  readonly roles: readonly string[];
  /** What its logins by itself are proven by: the id of its password; undefined for a proxy's key pair. */
  readonly proofId: string | undefined;
  readonly record: ClientRecord | CredentialRecord;
}

/** By what tokens are given: one of a proxy's policies, or a credential's own settings. */
export interface Issuance {
  readonly kind: 'issuance';
  /** Whose refresh tokens these are; '' and '' for a credential's own settings. */
  readonly proxyId: string;
  readonly policy: string;
  /** `project/proxy` of the policy; undefined for a credential's own settings. */
  readonly title: string | undefined;
  /** Grant type, lives and counts. Whoever signs may have others. */
  readonly rules: AuthJwtContract;
  readonly issuer: LinkedIssuer;
  readonly terms: AccessTokenTerms;
}

/** Whose refresh tokens a login has; see `Issuance`. */
export type LoginPlace = Pick<Issuance, 'proxyId' | 'policy'>;

/** One of the two token services: who its clients are, and what they are given by. */
export interface TokenService {
  readonly name: TokenServiceName;
  /** Whether its clients prove their secret whatever the policy says. */
  readonly alwaysNeedsSecret: boolean;
  findClient(claim: ClientClaim, request: TokenHttpRequest): Promise<KnownClient | OAuthRefusal>;
  /** By what a client is given tokens that it asks for with these parameters. */
  issuanceFor(client: KnownClient, parameters: Parameters, nowMs: number): Issuance | OAuthRefusal;
  /** By what the tokens of a login go on; refused when that is not there for this client any more. */
  issuanceOf(client: KnownClient, login: LoginPlace, nowMs: number): Issuance | OAuthRefusal;
  /** Every set of rules that a client may have tokens by now. */
  rulesOf(client: KnownClient, nowMs: number): readonly AuthJwtContract[];
  /** Issuers whose access tokens a client may have: it may ask about these and end them. */
  issuersOf(client: KnownClient, nowMs: number): readonly LinkedIssuer[];
  /** The proxies deployed here that a client asks tokens for with these parameters: their CORS settings bind the answer. */
  proxiesAskedFor(client: KnownClient, parameters: Parameters, nowMs: number): readonly IssuingProxy[];
}
