import type { ProxyArtifact } from '#libs/policy-contracts';

export interface LinkOptions {
  /** Codes of the documentation, or those a live Apigee answers where they differ. */
  readonly faultCodes: 'documented' | 'observed';
  /** A value that may not stand in a header (CR, LF, NUL or another control character) was not sent. */
  readonly onDropped?: (what: { policy: string; header: string }) => void;
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
