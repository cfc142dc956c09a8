import type { IdentityKind } from '#libs/config-distribution';
import { findingKey, type DriftFinding } from './drift-finding.ts';

/** Parts that are compared in passes of their own. */
export type DriftScope = 'records' | 'artifacts' | 'identities' | `strangers-${IdentityKind}` | 'gateways';

interface Pass {
  last: ReadonlyMap<string, DriftFinding>;
  current: Map<string, DriftFinding>;
}

/** What differs in one environment as far as it was looked at, so that each difference is said once. */
export class DriftLedger {
  private readonly passes = new Map<DriftScope, Pass>();

  /**
   * Takes what a part of a pass, or the whole of it, has found.
   *
   * @param isPassOver everything in the scope was looked at since the pass began: what was not found again is over.
   * @returns what was not known yet.
   */
  note(scope: DriftScope, findings: readonly DriftFinding[], isPassOver: boolean): DriftFinding[] {
    const pass = this.passes.get(scope) ?? { last: new Map<string, DriftFinding>(), current: new Map() };
    this.passes.set(scope, pass);
    const news = findings.filter((finding) => {
      const key = findingKey(finding);
      const isKnown = pass.last.has(key) || pass.current.has(key);
      pass.current.set(key, finding);
      return !isKnown;
    });
    if (isPassOver) {
      pass.last = pass.current;
      pass.current = new Map();
    }
    return news;
  }

  open(): DriftFinding[] {
    const all = [...this.passes.values()].flatMap(({ last, current }) => [...last, ...current]);
    return [...new Map(all).values()];
  }
}
