import { type HistoryKeys } from '../history-keys.ts';
import { type PostgresEventStore } from '../postgres-event-store.ts';
import { appendCheckpoints, checkpointFileSize, readCheckpointLines } from './checkpoint-file.ts';
import { readCheckpoints, readSignatures, type Query } from './checkpoint-rows.ts';
import { type Checkpoint, CheckpointSeal } from './checkpoint.ts';

const LINES_PER_COMPARISON = 200;
const CHECKPOINTS_PER_READ = 20;

type Signed = Pick<Checkpoint, 'number' | 'signature'>;

/** What the file and the table know of each other. */
export interface FileState {
  /** Checkpoints that the file holds and the table does not, or not as they were. */
  readonly lost: number;
  /** The highest number among them; undefined when nothing is lost. */
  readonly highestLost: number | undefined;
  /** Lines that hold no checkpoint signed here: torn by a crash, or changed. */
  readonly unreadable: number;
}

/** Keeps a file outside the database that misses no checkpoint of the table, whoever took them. */
export class CheckpointFollower {
  private readonly seal: CheckpointSeal;
  private readonly query: Query;
  /** The last line known to be in the table; undefined: the file has not been looked at. */
  private newest: Signed | undefined;
  private state: FileState | undefined;
  /** Bytes that the file had; it only ever grows. */
  private size = 0;

  constructor(
    store: PostgresEventStore,
    keys: HistoryKeys,
    private readonly file: string,
  ) {
    this.seal = new CheckpointSeal(keys);
    this.query = (text, values) => store.query(text, values);
  }

  /**
   * Appends what the table has beyond the file. The first call compares the whole file with the table, and so does one
   * that finds the file, some of it, or what the table had, gone.
   *
   * @throws EventStoreUnavailable, or as `node:fs` throws
   */
  async follow(): Promise<FileState> {
    const isCut = (await this.readSize()) < this.size;
    if (this.state === undefined || isCut || !(await this.isInTable(this.newest))) this.state = await this.compare();
    for (;;) {
      const page = await readCheckpoints(this.query, this.newest?.number ?? 0, CHECKPOINTS_PER_READ);
      await appendCheckpoints(this.file, page);
      this.newest = page.at(-1) ?? this.newest;
      this.size = await this.readSize();
      if (page.length < CHECKPOINTS_PER_READ) return this.state;
    }
  }

  private async readSize(): Promise<number> {
    return (await checkpointFileSize(this.file)) ?? 0;
  }

  private async isInTable(one: Signed | undefined): Promise<boolean> {
    if (one === undefined) return true;
    return (await readSignatures(this.query, [one.number])).get(one.number) === one.signature;
  }

  /** Reads the file from its beginning and finds the line to go on from: the last one, if the table has it. */
  private async compare(): Promise<FileState> {
    const lost = new Set<number>();
    let [unreadable, highestKept]: [number, Signed | undefined] = [0, undefined];
    let last: { line: Signed; isKept: boolean } | undefined;
    for await (const page of this.pages()) {
      const signed = page.filter((value) => value !== undefined);
      unreadable += page.length - signed.length;
      const signatures = await readSignatures(
        this.query,
        signed.map((line) => line.number),
      );
      for (const line of signed) {
        const isKept = signatures.get(line.number) === line.signature;
        last = { line, isKept };
        if (!isKept) lost.add(line.number);
        else if (line.number > (highestKept?.number ?? 0)) highestKept = line;
      }
    }
    this.newest = last?.isKept === true ? last.line : highestKept;
    return { lost: lost.size, highestLost: lost.size === 0 ? undefined : Math.max(...lost), unreadable };
  }

  private async *pages(): AsyncGenerator<(Signed | undefined)[]> {
    let page: (Signed | undefined)[] = [];
    for await (const { value } of readCheckpointLines(this.file, await this.readSize())) {
      const checkpoint = this.seal.read(value);
      page.push(checkpoint && { number: checkpoint.number, signature: checkpoint.signature });
      if (page.length < LINES_PER_COMPARISON) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  }
}
