import type { ChannelKeys } from '#libs/config-distribution';
import {
  KnownRevocations,
  NOWHERE,
  RevocationLedgerUnavailable,
  type LedgerNews,
  type LedgerPosition,
  type RevocationLedger,
  type TokenRevocation,
} from '#libs/token-revocations';
import type { FollowedNews } from '../config-subscriber/followed-news.ts';
import type { RevocationJournal } from './revocation-journal.ts';
import type { RevocationsFile } from './revocations-file.ts';

export interface RevocationFollowerDeps {
  readonly known: KnownRevocations;
  readonly ledger: RevocationLedger;
  readonly file: RevocationsFile;
  readonly journal: RevocationJournal;
  /** Milliseconds since the epoch: what requests are judged by. */
  readonly nowMs: () => number;
}

/** How often what is known is compared with how much the ledger holds, and with all of it. */
const COUNTED_EVERY_MS = 60_000;
const REREAD_EVERY_MS = 600_000;

/**
 * Follows the ledger: what is new with every look, all of it after a start, after Redis lost its data, and now and then. What
 * the ledger should hold and does not is written back. Nothing that was learnt is forgotten before it has ended.
 */
export class RevocationFollower implements FollowedNews {
  private position: LedgerPosition | undefined;
  private isKnownFromDisk = false;
  private mustReread = true;
  private rereadAtMs = -Infinity;
  private countedAtMs = -Infinity;
  /** Learnt, and not on disk yet. */
  private unkept: TokenRevocation[] = [];
  /** What disk holds is not what is known. */
  private mustRewrite = false;

  constructor(private readonly deps: RevocationFollowerDeps) {}

  /** Read up to here, and kept; 0: nothing was ever recorded. Rises, whatever becomes of the ledger. */
  get sequence(): number {
    return this.position?.sequence ?? 0;
  }

  get isKnown(): boolean {
    return this.position !== undefined || this.isKnownFromDisk;
  }

  async restore(keys: ChannelKeys): Promise<boolean> {
    const { file, known, journal, nowMs } = this.deps;
    const kept = await file.read(keys);
    if (kept === undefined) return true;
    for (const revocation of kept.revocations) known.add(revocation);
    known.forgetEnded(nowMs());
    journal.restored(known.size);
    this.isKnownFromDisk = kept.problem === undefined;
    if (kept.problem === undefined) return true;
    this.mustRewrite = true;
    journal.fileFault(kept.problem);
    return false;
  }

  /** From now on they hold here. They are kept on disk with the next look. */
  learn(revocations: readonly TokenRevocation[]): void {
    for (const revocation of revocations) {
      const learnt = this.deps.known.add(revocation);
      if (learnt !== undefined) this.unkept.push(learnt);
    }
  }

  /** What holds here could not be recorded: it is, with the next look. */
  rereadSoon(): void {
    this.mustReread = true;
  }

  async refresh(keys: ChannelKeys): Promise<boolean> {
    const before = this.position;
    // What was learnt is kept whatever becomes of Redis: it may be gone for longer than this process.
    const { end, whole } = await this.read(this.isRereadDue() ? undefined : before).finally(() => this.keep(keys));
    this.position = end.position;
    this.countNowAndThen(end.heldCount);
    if (whole !== undefined) await this.writeBack(whole, end.position);
    return before?.epoch !== end.position.epoch || before.sequence !== end.position.sequence;
  }

  /** @returns the last page, and all that the ledger holds when it was read from its start */
  private async read(from: LedgerPosition | undefined): Promise<{ end: LedgerNews; whole?: KnownRevocations }> {
    let whole: KnownRevocations | undefined;
    let news = await this.deps.ledger.since(from);
    for (;;) {
      if (news.isFromStart) whole = new KnownRevocations();
      this.take(news, whole);
      if (!news.isMore) break;
      news = await this.deps.ledger.since(news.position);
    }
    if (whole === undefined) return { end: news };
    this.mustReread = false;
    this.rereadAtMs = this.deps.nowMs();
    return { end: news, whole };
  }

  private take({ revocations, refusedCount }: LedgerNews, whole: KnownRevocations | undefined): void {
    const now = this.deps.nowMs();
    for (const revocation of revocations) whole?.add(revocation);
    this.learn(revocations.filter(({ endsAtMs }) => endsAtMs === null || endsAtMs > now));
    if (refusedCount > 0) this.deps.journal.refused(refusedCount);
  }

  /** Tried again with every look: what is revoked must not come back with a restart. */
  private async keep(keys: ChannelKeys): Promise<void> {
    if (this.unkept.length === 0 && !this.mustRewrite) return;
    const { file, known, journal } = this.deps;
    const added = this.unkept;
    this.unkept = [];
    try {
      await file.save(keys, added, known.all(), known.size);
      this.mustRewrite = false;
      journal.kept();
    } catch (error) {
      // The next save writes everything.
      this.mustRewrite = true;
      journal.notKept(error);
    }
  }

  private isRereadDue(): boolean {
    const { known, nowMs } = this.deps;
    // Nothing is told apart from what was lost twice.
    const isLost = this.position?.epoch === NOWHERE.epoch && known.size > 0;
    return this.mustReread || isLost || nowMs() - this.rereadAtMs >= REREAD_EVERY_MS;
  }

  private countNowAndThen(heldCount: number): void {
    const { known, nowMs } = this.deps;
    const now = nowMs();
    if (now - this.countedAtMs < COUNTED_EVERY_MS) return;
    this.countedAtMs = now;
    known.forgetEnded(now);
    if (heldCount < known.size) this.mustReread = true;
  }

  /** Tried again with the next reading of everything. What is being read goes on whatever comes of it. */
  private async writeBack(whole: KnownRevocations, { epoch }: LedgerPosition): Promise<void> {
    const { known, ledger, journal, nowMs } = this.deps;
    const now = nowMs();
    const missing = [...known.all()].filter(
      (revocation) => (revocation.endsAtMs ?? Infinity) > now && whole.add(revocation) !== undefined,
    );
    // A position alone that is gone would have every look read everything: whatever is recorded begins it anew.
    const first = epoch === NOWHERE.epoch ? [...whole.all()].slice(0, 1) : [];
    if (missing.length + first.length === 0) return;
    try {
      await ledger.record([...missing, ...first], now);
      if (missing.length > 0) journal.writtenBack(missing.length);
    } catch (error) {
      if (!(error instanceof RevocationLedgerUnavailable)) throw error;
      journal.notRecorded(error);
    }
  }
}
