import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import {
  CheckpointFollower,
  CheckpointWriter,
  EVENT_STORE,
  EventStoreUnavailable,
  type FileState,
  type HistoryFault,
  type HistoryKeys,
  type PostgresEventStore,
} from '#libs/event-store';
import type { Logger } from '#libs/program-shell';
import type { ControlPlaneConfig } from '../config/control-plane.config.ts';
import { CONTROL_PLANE_CONFIG, HISTORY_KEYS, LOGGER } from '../injection-tokens.ts';
import { HistoryGauges } from './history-gauges.ts';

/** Checkpoints of other processes reach the file within this time. */
const FOLLOW_EVERY_MS = 5_000;

/** What is done every so often. */
type Work = 'take' | 'follow';

/** Takes checkpoints of the log every so often, and keeps them in a file outside the database. */
@Injectable()
export class CheckpointUpkeep implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly writer: CheckpointWriter;
  private readonly follower: CheckpointFollower | undefined;
  private readonly timers: NodeJS.Timeout[] = [];
  private inHand: Promise<void> = Promise.resolve();
  private readonly waiting = new Set<Work>();
  private isStopping = false;
  private isFileFailing = false;
  private lost = 0;

  constructor(
    @Inject(EVENT_STORE) store: PostgresEventStore,
    @Inject(HISTORY_KEYS) keys: HistoryKeys,
    @Inject(CONTROL_PLANE_CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly gauges: HistoryGauges,
  ) {
    this.writer = new CheckpointWriter(store, keys);
    const { roles, auditCheckpointFile } = config;
    this.follower = roles.has('api') ? new CheckpointFollower(store, keys, auditCheckpointFile) : undefined;
  }

  onApplicationBootstrap(): void {
    const seconds = this.config.auditCheckpointSeconds;
    if (seconds > 0) {
      this.timers.push(setInterval(() => this.askFor('take'), seconds * 1_000));
      // What was sealed by this start, or recorded shortly before the last one ended badly.
      this.askFor('take');
    }
    if (this.follower === undefined) return;
    this.timers.push(setInterval(() => this.askFor('follow'), FOLLOW_EVERY_MS));
    this.askFor('follow');
  }

  /** Waits for what is in hand, of a long backlog for one checkpoint, and takes a last one. */
  async onApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    for (const timer of this.timers) clearInterval(timer);
    if (this.config.auditCheckpointSeconds > 0) await this.takeCheckpoint();
    await this.inHand;
  }

  /** Anchors what was committed before, and writes it to the file: all of it, or one checkpoint's worth when stopping. */
  takeCheckpoint(): Promise<void> {
    return this.inTurn(() => this.takeAll());
  }

  /** Nothing waits twice: an interval may end while a long backlog is being anchored, or while the database is away. */
  private askFor(work: Work): void {
    if (this.waiting.has(work)) return;
    this.waiting.add(work);
    void this.inTurn(async () => {
      this.waiting.delete(work);
      if (!this.isStopping) await (work === 'take' ? this.takeAll() : this.follow());
    });
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.inHand = this.inHand.then(work);
    return this.inHand;
  }

  private async takeAll(): Promise<void> {
    try {
      for (let isBehind = true; isBehind;) {
        isBehind = (await this.take()) && !this.isStopping;
        await this.follow();
      }
    } catch (error) {
      this.logger.warn({ reason: reasonOf(error) }, 'no checkpoint of the history could be taken');
    }
  }

  /** @returns whether there may be more to anchor. @throws EventStoreUnavailable */
  private async take(): Promise<boolean> {
    const { checkpoint, fault, isBehind } = await this.writer.take(Date.now());
    if (fault !== undefined) this.reportFault(fault);
    this.gauges.isFaulty.set(fault === undefined ? 0 : 1);
    if (checkpoint !== undefined) this.gauges.checkpoint.set(Date.parse(checkpoint.takenAt) / 1_000);
    return isBehind;
  }

  private reportFault({ kind, event, checkpoint, problem }: HistoryFault): void {
    const { streamId, version, eventId, type, recordedAt } = event ?? {};
    this.logger.error(
      { kind, streamId, version, eventId, type, recordedAt, checkpoint, problem },
      'history was changed in the database: no checkpoint is signed from there on (npm run audit:verify)',
    );
  }

  private async follow(): Promise<void> {
    if (this.follower === undefined) return;
    try {
      this.reportLost(await this.follower.follow());
      this.isFileFailing = false;
    } catch (error) {
      // Says nothing about the file.
      if (error instanceof EventStoreUnavailable) return;
      if (!this.isFileFailing) this.logger.error(this.aboutFile(error), 'checkpoints cannot be kept in their file');
      this.isFileFailing = true;
    }
    this.gauges.isFileFailing.set(this.isFileFailing ? 1 : 0);
  }

  private reportLost({ lost, highestLost, unreadable }: FileState): void {
    this.gauges.lostCheckpoints.set(lost);
    if (lost > 0 && lost !== this.lost) {
      this.logger.error(
        { file: this.config.auditCheckpointFile, lost, highestLost, unreadable },
        'the database lacks checkpoints that the file holds: it was restored from an older state, its log was cut, or the ' +
          'file belongs to another database (npm run audit:verify)',
      );
    }
    this.lost = lost;
  }

  private aboutFile(error: unknown): { file: string; reason: string } {
    return { file: this.config.auditCheckpointFile, reason: reasonOf(error) };
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
