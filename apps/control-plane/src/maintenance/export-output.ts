import { rmSync } from 'node:fs';
import { open, rename, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { Writable } from 'node:stream';

/** Where lines go: to whoever reads the standard output, or into a file. */
export interface ExportOutput {
  /** @returns false when nobody reads any more */
  write(text: string): Promise<boolean>;
  /** All was written. */
  finish(): Promise<void>;
  /** Leaves nothing behind. */
  abandon(): Promise<void>;
}

const isBrokenPipe = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EPIPE';

/** As fast as the reader takes it. A reader that leaves, as `head` does, has had what it wanted. */
export class StreamOutput implements ExportOutput {
  constructor(private readonly stream: Writable) {
    // The write in hand reports the failure; unheard, it would also end the process.
    stream.on('error', () => undefined);
  }

  async write(text: string): Promise<boolean> {
    const failure = await new Promise<Error | null | undefined>((resolve) => void this.stream.write(text, resolve));
    if (failure === null || failure === undefined) return true;
    if (isBrokenPipe(failure)) return false;
    throw failure;
  }

  async finish(): Promise<void> {
    // The standard output stays open.
  }

  async abandon(): Promise<void> {
    // What was printed was printed.
  }
}

/** A file that is there in one moment, whole; until then what was there before stays. Only its owner may read it. */
export class FileOutput implements ExportOutput {
  private constructor(
    private readonly file: string,
    private readonly partial: string,
    private readonly handle: FileHandle,
  ) {
    process.once('exit', this.removePartial);
  }

  /** Also when the process is stopped while it writes. */
  private readonly removePartial = (): void => rmSync(this.partial, { force: true });

  /** @throws Error when the file cannot be made there */
  static async open(file: string): Promise<FileOutput> {
    const there = await stat(file).catch(() => undefined);
    if (there?.isDirectory() === true) throw new Error(`${file} is a directory`);
    const partial = `${file}.${process.pid}.partial`;
    return new FileOutput(file, partial, await open(partial, 'wx', 0o600));
  }

  async write(text: string): Promise<boolean> {
    await this.handle.writeFile(text);
    return true;
  }

  async finish(): Promise<void> {
    await this.handle.sync();
    await this.handle.close();
    await rename(this.partial, this.file);
    process.off('exit', this.removePartial);
    // Its name is kept by the directory.
    const directory = await open(path.dirname(this.file));
    await directory.sync().finally(() => directory.close());
  }

  async abandon(): Promise<void> {
    await this.handle.close();
    this.removePartial();
    process.off('exit', this.removePartial);
  }
}
