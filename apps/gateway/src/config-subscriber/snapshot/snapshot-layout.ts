import path from 'node:path';
import { copySnapshot } from './copy-snapshot.ts';
import { readLayout, writeLayout } from './layout-file.ts';
import { SnapshotInUse } from './directory-owner.ts';
import { SnapshotDirectoryUnusable, SnapshotStore } from './snapshot-store.ts';

/** A snapshot that alone makes a gateway ready. */
interface WholeSnapshot {
  readonly directory: string;
  readonly deployment: number;
}

async function wholeSnapshotIn(directory: string): Promise<WholeSnapshot | undefined> {
  const store = new SnapshotStore(directory);
  const admission = await store.admission();
  if (admission?.isComplete !== true) return undefined;
  return { directory, deployment: await store.highestDeployment() };
}

/** Runs what works in a directory as its only user. */
async function asOwner(directory: string, work: () => Promise<void>): Promise<void> {
  const store = new SnapshotStore(directory);
  store.open();
  try {
    await work();
  } finally {
    store.close();
  }
}

/**
 * The snapshots of a gateway that may have one process or several: alone it keeps its snapshot in the directory itself, each
 * worker in a directory of its own inside. Whatever number it had before, it goes on from the newest there is.
 */
export class SnapshotLayout {
  readonly #whole: SnapshotStore;

  constructor(private readonly directory: string) {
    this.#whole = new SnapshotStore(directory);
  }

  /**
   * Makes this process the only user of the directory.
   *
   * @throws SnapshotInUse, SnapshotDirectoryUnusable
   */
  open(): void {
    this.#whole.open();
  }

  close(): void {
    this.#whole.close();
  }

  /** @param number of a worker, from 1 on */
  directoryOf(number: number): string {
    return path.join(this.directory, String(number));
  }

  /**
   * Prepares the directories for so many processes: those that have no snapshot, or an older one than the last run left
   * elsewhere, get a copy of that. While the number stays the same, only directories without a snapshot are looked at.
   *
   * @throws SnapshotInUse, SnapshotDirectoryUnusable
   */
  async become(workers: number): Promise<void> {
    try {
      const before = await readLayout(this.directory);
      const used = this.#directories(before);
      const lacking: string[] = [];
      for (const directory of this.#directories(workers)) {
        const isOfLastRun = before === workers && used.includes(directory);
        if (!isOfLastRun || (await new SnapshotStore(directory).admission())?.isComplete !== true)
          lacking.push(directory);
      }
      if (lacking.length > 0) await this.#fill(lacking, used);
      if (before !== workers) await writeLayout(this.directory, workers);
    } catch (error) {
      if (error instanceof SnapshotInUse || error instanceof SnapshotDirectoryUnusable) throw error;
      throw new SnapshotDirectoryUnusable(this.directory, error);
    }
  }

  async #fill(lacking: readonly string[], used: readonly string[]): Promise<void> {
    const newest = (await this.#newestIn(used)) ?? (await this.#newestIn([this.directory, ...lacking]));
    if (newest === undefined) return;
    for (const directory of lacking) {
      const own = used.includes(directory) ? await wholeSnapshotIn(directory) : undefined;
      if (directory === newest.directory || own?.deployment === newest.deployment) continue;
      const copy = (): Promise<void> => copySnapshot(newest.directory, directory);
      await this.#owning(newest.directory, () => this.#owning(directory, copy));
    }
  }

  async #newestIn(directories: readonly string[]): Promise<WholeSnapshot | undefined> {
    const found = await Promise.all(directories.map(wholeSnapshotIn));
    const whole = found.filter((snapshot) => snapshot !== undefined);
    return whole.sort((one, other) => other.deployment - one.deployment)[0];
  }

  #owning(directory: string, work: () => Promise<void>): Promise<void> {
    return directory === this.directory ? work() : asOwner(directory, work);
  }

  #directories(workers: number): string[] {
    if (workers === 1) return [this.directory];
    return Array.from({ length: workers }, (_, index) => this.directoryOf(index + 1));
  }
}

/**
 * Brings the snapshot of workers to the directory itself, where a gateway of one process looks for it.
 *
 * @throws SnapshotInUse, SnapshotDirectoryUnusable
 */
export async function inheritSnapshot(directory: string): Promise<void> {
  if ((await readLayout(directory)) === 1) return;
  const layout = new SnapshotLayout(directory);
  layout.open();
  try {
    await layout.become(1);
  } finally {
    layout.close();
  }
}
