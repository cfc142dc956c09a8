import type { IdentityKind } from '#libs/config-distribution';
import { Backoff } from './backoff.ts';
import { findingKey, placeOf, suspicionOf, type DriftFinding } from './drift-finding.ts';
import { DriftLedger } from './drift-ledger.ts';
import { isAheadOfRecord } from './gateway-comparison.ts';
import type { IdentityPlace } from './recorded-identities.ts';

/** A gateway and the log are not read in the same moment: only what lasts so long is a difference between them. */
const LASTING_AFTER_MS = 3_000;
const FIRST_PAUSE_MS = 10_000;
/** Publishing everything again is dear, and takes its time. */
const FIRST_PAUSE_OF_GATEWAYS_MS = 120_000;
const LONGEST_PAUSE_MS = 3_600_000;

/** How far the comparison of one environment is, what it has found, and what was done about it. */
export class WatchedEnvironment {
  readonly ledger = new DriftLedger();
  /** undefined: a new pass begins. */
  artifactsAfter: string | undefined;
  identitiesAfter: IdentityPlace | undefined;
  scan: { kind: IdentityKind; cursor: string } = { kind: 'client', cursor: '0' };
  private readonly single = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  private readonly whole = new Backoff(FIRST_PAUSE_OF_GATEWAYS_MS, LONGEST_PAUSE_MS);
  private suspectedAtMs: ReadonlyMap<string, number> = new Map();

  /** Of what gateways were found to serve at this look, what was found at every look for some time. */
  lasting(findings: readonly DriftFinding[], nowMs: number): DriftFinding[] {
    const before = this.suspectedAtMs;
    this.suspectedAtMs = new Map(findings.map((one) => [suspicionOf(one), before.get(suspicionOf(one)) ?? nowMs]));
    return findings.filter(
      (one) => isAheadOfRecord(one) || nowMs - (this.suspectedAtMs.get(suspicionOf(one)) ?? nowMs) >= LASTING_AFTER_MS,
    );
  }

  /** What may be repaired now. */
  due(findings: readonly DriftFinding[], nowMs: number): DriftFinding[] {
    return findings.filter((one) => this.backoffOf(one).allows(placeToRepair(one), nowMs));
  }

  noteRepair(findings: readonly DriftFinding[], nowMs: number): void {
    for (const one of new Map(findings.map((finding) => [placeToRepair(finding), finding])).values())
      this.backoffOf(one).note(placeToRepair(one), nowMs);
  }

  private backoffOf({ subject }: DriftFinding): Backoff {
    return subject.kind === 'gateway' ? this.whole : this.single;
  }
}

/** Everything is published again for all gateways at once; a number that is passed is not found ahead again. */
const placeToRepair = (finding: DriftFinding): string => {
  if (isAheadOfRecord(finding)) return findingKey(finding);
  return finding.subject.kind === 'gateway' ? 'all gateways' : placeOf(finding);
};
