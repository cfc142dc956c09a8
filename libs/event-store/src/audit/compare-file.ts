import { readCheckpointLines } from './checkpoint-file.ts';
import { type Query, readSignatures } from './checkpoint-rows.ts';
import { type Checkpoint, type CheckpointSeal } from './checkpoint.ts';
import { type FaultLog } from './fault-log.ts';
import { type Anchor } from './stream-traces.ts';

const LINES_PER_READ = 50;

export interface ComparedFile {
  readonly file: string;
  /** Lines that hold a checkpoint signed here. */
  readonly checkpoints: number;
  /** The highest number among them; 0 without one. */
  readonly newest: number;
  /** Lines that hold no JSON, such as one torn by a crash. */
  readonly torn: number;
}

interface Findings {
  readonly query: Query;
  readonly seal: CheckpointSeal;
  readonly faults: FaultLog;
  /** By stream; gets what the database does not know of. */
  readonly lost: Map<string, Anchor>;
}

/**
 * Compares checkpoints kept outside with the table.
 *
 * @param size bytes of the file when the table was not older than now
 */
export async function compareFile(file: string, size: number, findings: Findings): Promise<ComparedFile> {
  const comparison = new FileComparison(file, findings);
  let page: Checkpoint[] = [];
  for await (const { line, value } of readCheckpointLines(file, size)) {
    const checkpoint = comparison.read(line, value);
    if (checkpoint !== undefined) page.push(checkpoint);
    if (page.length < LINES_PER_READ) continue;
    await comparison.compare(page);
    page = [];
  }
  await comparison.compare(page);
  return comparison.result();
}

class FileComparison {
  private checkpoints = 0;
  private newest = 0;
  private torn = 0;
  private readonly missing: number[] = [];
  private readonly different: number[] = [];

  constructor(
    private readonly file: string,
    private readonly findings: Findings,
  ) {}

  read(line: number, value: unknown): Checkpoint | undefined {
    const { seal, faults } = this.findings;
    const checkpoint = seal.read(value);
    if (value === undefined) this.torn += 1;
    else if (checkpoint === undefined) {
      const problem = `line ${line} of ${this.file} was changed, or was not signed by this program`;
      faults.add({ kind: 'checkpoint-not-genuine', problem });
    }
    return checkpoint;
  }

  async compare(page: readonly Checkpoint[]): Promise<void> {
    const signatures = await readSignatures(
      this.findings.query,
      page.map(({ number }) => number),
    );
    for (const checkpoint of page) {
      this.checkpoints += 1;
      this.newest = Math.max(this.newest, checkpoint.number);
      const signature = signatures.get(checkpoint.number);
      if (signature === checkpoint.signature) continue;
      (signature === undefined ? this.missing : this.different).push(checkpoint.number);
      this.keepHeads(checkpoint);
    }
  }

  result(): ComparedFile {
    const { file, checkpoints, newest, torn } = this;
    this.say('checkpoint-missing', this.missing, 'not in the database');
    this.say('checkpoint-differs', this.different, 'not those that the database holds under these numbers');
    return { file, checkpoints, newest, torn };
  }

  private say(kind: 'checkpoint-missing' | 'checkpoint-differs', numbers: readonly number[], what: string): void {
    if (numbers.length === 0) return;
    const [first, last] = [Math.min(...numbers), Math.max(...numbers)];
    const which = first === last ? `checkpoint ${first}` : `${numbers.length} checkpoints (${first} to ${last})`;
    this.findings.faults.add({ kind, checkpoint: first, problem: `${which} of ${this.file}: ${what}` });
  }

  private keepHeads({ number, takenAt, heads }: Checkpoint): void {
    const source = `checkpoint ${number} in ${this.file}`;
    for (const { streamId, version, mac } of heads) {
      const known = this.findings.lost.get(streamId);
      if (known === undefined || known.version < version) {
        this.findings.lost.set(streamId, { version, mac, takenAt, source });
      }
    }
  }
}
