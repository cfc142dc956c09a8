import { type Checkpoint, checkpointDigest, type CheckpointSeal } from './checkpoint.ts';
import { type Query, readCheckpoints } from './checkpoint-rows.ts';
import { notGenuine } from './checkpoint-writer.ts';
import { type FaultLog } from './fault-log.ts';

const CHECKPOINTS_PER_READ = 20;

/** The checkpoints of the table that were signed here, in their order; those that are missing or changed are named. */
export class TableCheckpoints {
  /** The last one given out. */
  newest: Checkpoint | undefined;
  private page: readonly Checkpoint[] = [];
  private lastNumber = 0;
  private previousDigest: string | null | undefined = null;

  constructor(
    private readonly query: Query,
    private readonly seal: CheckpointSeal,
    private readonly faults: FaultLog,
  ) {}

  async next(): Promise<Checkpoint | undefined> {
    for (;;) {
      if (this.page.length === 0) this.page = await readCheckpoints(this.query, this.lastNumber, CHECKPOINTS_PER_READ);
      const [one, ...rest] = this.page;
      if (one === undefined) return undefined;
      this.page = rest;
      const isGenuine = this.check(one);
      this.lastNumber = one.number;
      this.previousDigest = isGenuine ? checkpointDigest(one) : undefined;
      if (isGenuine) return (this.newest = one);
    }
  }

  private check(one: Checkpoint): boolean {
    const expected = this.lastNumber + 1;
    if (one.number !== expected) {
      const which =
        one.number === expected + 1 ? `checkpoint ${expected} is` : `checkpoints ${expected} to ${one.number - 1} are`;
      this.faults.add({
        kind: 'checkpoint-missing',
        checkpoint: expected,
        problem: `${which} missing in the database`,
      });
    }
    if (!this.seal.isGenuine(one)) {
      this.faults.add(notGenuine(one.number));
      return false;
    }
    if (one.number === expected && this.previousDigest !== undefined && one.previous !== this.previousDigest) {
      const problem = `checkpoint ${one.number} was not taken after the checkpoint ${one.number - 1} that is there now`;
      this.faults.add({ kind: 'checkpoint-differs', checkpoint: one.number, problem });
    }
    return true;
  }
}
