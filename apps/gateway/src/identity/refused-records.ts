import { createHash } from 'node:crypto';
import type { StoredIdentity } from '#libs/config-distribution';
import type { RecordProblem } from './opened-records.ts';

/** Subjects in memory; the one that was refused first goes first. */
const MOST_SUBJECTS = 4_096;

/** Which records were refused, so that a client that asks again and again has it reported once. */
export class RefusedRecords {
  private readonly bySubject = new Map<string, string>();

  /** @param problem undefined: the record counts, and the next one that does not is news. */
  isNews(
    { kind, subject, version, sealed }: StoredIdentity,
    problem: RecordProblem | undefined,
  ): problem is RecordProblem {
    const place = `${kind} ${subject}`;
    if (problem === undefined) {
      this.bySubject.delete(place);
      return false;
    }
    const text = JSON.stringify([problem, String(version), sealed]);
    const refused = createHash('sha256').update(text).digest('base64url');
    if (this.bySubject.get(place) === refused) return false;
    this.bySubject.delete(place);
    this.bySubject.set(place, refused);
    if (this.bySubject.size > MOST_SUBJECTS) this.forgetOldest();
    return true;
  }

  private forgetOldest(): void {
    for (const place of this.bySubject.keys()) return void this.bySubject.delete(place);
  }
}
