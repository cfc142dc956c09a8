import type { JsonObject, JwtRefusal, KeySelector, VerifiedTokens } from '#libs/jwt-engine';
import type { ProxyArtifact } from '#libs/policy-contracts';
import type { Fault } from '../exchange/fault.ts';

/** What a gateway knows of revoked tokens: as much as its environment's Redis told it, and when. */
export interface RevocationKnowledge {
  /** Whether the environment's Redis is connected right now. */
  readonly isLive: boolean;
  /** Since it was last read; Infinity: never yet. */
  readonly ageMs: number;
  /** Whether a token of this environment was revoked, by the claims that its signature vouches for. */
  isRevoked(claims: JsonObject): boolean;
}

/**
 * What stands against a credential that wants to use a proxy with a token of `/credential/jwt`; `good`: nothing, `unknown`:
 * nothing is known of it now, because its record cannot be read.
 */
export type CredentialStanding =
  | 'good'
  | 'unknown'
  | 'unknown-credential'
  | 'disabled-credential'
  | 'expired-credential'
  | 'no-access'
  | 'foreign-address';

/** Who uses what, and from where. */
export interface CredentialUse {
  /** `client_id` of the token: the user name of the credential whose access counts. */
  readonly clientId: string;
  /** `sub` of the token; another one than `clientId`: a user who logged in through it, and need have no access. */
  readonly subject: string;
  readonly project: string;
  readonly proxy: string;
  readonly clientAddress: string;
  readonly nowMs: number;
}

/** Credentials as they are now, kept in memory by whoever runs the policies. */
export interface CredentialStandings {
  /**
   * Of the credential and, where that is another one, of the user. A promise only for one that was not asked about lately.
   * Never throws, never rejects.
   */
  standingOf(use: CredentialUse): CredentialStanding | Promise<CredentialStanding>;
}

/** The keys of one JWKS address, by `kid`, or why there are none. */
export type KeySet = KeySelector<unknown> | JwtRefusal;

/** Key sets by their address, kept in memory by whoever runs the policies. Never throws, never rejects. */
export interface KeySets {
  /** The set as it stands; a promise only when there is none yet, or none that may still be used. */
  current(address: string): KeySet | Promise<KeySet>;
  /**
   * A newer set, asked for because a token names a key that `current` has not. undefined: not now (asked lately, or this
   * key was not found lately), so the token stays refused.
   */
  newerFor(address: string, keyId: string): Promise<KeySet> | undefined;
}

/** A policy by the names that a person knows. */
export interface PolicyOfProxy {
  readonly project: string;
  readonly proxy: string;
  readonly policy: string;
}

/** Told what came of a policy each time that it ran; on the path of every request, so it must cost next to nothing. */
export interface PolicyVerdicts {
  passed(): void;
  /** It failed, and the flow went on all the same (`continueOnError`). */
  continued(fault: Fault): void;
  refused(fault: Fault): void;
}

export interface LinkOptions {
  /** Codes of the documentation, or those a live Apigee answers where they differ. */
  readonly faultCodes: 'documented' | 'observed';
  /** A value that may not stand in a header (CR, LF, NUL or another control character) was not sent. */
  readonly onDropped?: (what: { policy: string; header: string }) => void;
  /** A variable that a check needs is not set, and the policy ignores that: the check demanded nothing of this request. */
  readonly onIgnored?: (what: { policy: string; reference: string }) => void;
  /** Asked once for each policy that is linked. Left out: nobody counts verdicts. */
  readonly verdictsOf?: (policy: PolicyOfProxy) => PolicyVerdicts;
  /** Left out: nothing is known, and a policy that insists on knowing lets nothing pass. Read without waiting. */
  readonly revocations?: RevocationKnowledge;
  /** Left out: nothing is known of any credential. */
  readonly credentials?: CredentialStandings;
  /** Left out: no set is ever fetched, and what needs one refuses every token. */
  readonly keySets?: KeySets;
  /** Where good tokens are remembered, unless a policy has that turned off. Left out: nowhere, every one is verified. */
  readonly verifiedTokens?: VerifiedTokens | undefined;
}

/** Why an artifact cannot run. `policy` is empty when the fault is not a policy's. Never carries a value. */
export interface LinkFault {
  readonly policy: string;
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

/** What a linker may look at, and where it reports what cannot work. */
export interface LinkContext {
  readonly artifact: ProxyArtifact;
  readonly policyName: string;
  readonly options: LinkOptions;
  readonly refuse: (fault: { field: string; code: string; message: string }) => void;
  /** Takes down the address of a key set that a policy names whatever the request is. */
  readonly nameKeySet: (address: string) => void;
}
