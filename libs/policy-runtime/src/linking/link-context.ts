import type { JwtRefusal, KeySelector } from '#libs/jwt-engine';
import type { ProxyArtifact } from '#libs/policy-contracts';

/** What a gateway knows of revoked tokens: as much as its environment's Redis told it, and when. */
export interface RevocationKnowledge {
  /** Whether the environment's Redis is connected right now. */
  readonly isLive: boolean;
  /** Since it was last read; Infinity: never yet. */
  readonly ageMs: number;
}

/** The keys of one JWKS address, by `kid`, or why there are none. */
export type KeySet = KeySelector<unknown> | JwtRefusal;

/** Key sets by their address, kept in memory by whoever runs the policies. Never throws, never rejects. */
export interface KeySets {
  /** Tells that a policy takes its keys from here, so that they are there before the first token is. */
  prefetch(address: string): void;
  /** The set as it stands; a promise only when there is none yet, or none that may still be used. */
  current(address: string): KeySet | Promise<KeySet>;
  /**
   * A newer set, asked for because a token names a key that `current` has not. undefined: not now (asked lately, or this
   * key was not found lately), so the token stays refused.
   */
  newerFor(address: string, keyId: string): Promise<KeySet> | undefined;
}

export interface LinkOptions {
  /** Codes of the documentation, or those a live Apigee answers where they differ. */
  readonly faultCodes: 'documented' | 'observed';
  /** A value that may not stand in a header (CR, LF, NUL or another control character) was not sent. */
  readonly onDropped?: (what: { policy: string; header: string }) => void;
  /** A variable that a check needs is not set, and the policy ignores that: the check demanded nothing of this request. */
  readonly onIgnored?: (what: { policy: string; reference: string }) => void;
  /** Left out: nothing is known, and a policy that insists on knowing lets nothing pass. Read without waiting. */
  readonly revocations?: RevocationKnowledge;
  /** Left out: no set is ever fetched, and what needs one refuses every token. */
  readonly keySets?: KeySets;
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
}
