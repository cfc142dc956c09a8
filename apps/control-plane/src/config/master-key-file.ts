import { existsSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { BadSettings } from '#libs/program-shell';
import { MASTER_KEY_BYTES, MasterKey } from '../persistence/data-keys/master-key.ts';

const CURRENT = 'master-key';
const NEXT = 'master-key.next';

function readKey(file: string): Buffer | undefined {
  if (!existsSync(file)) return undefined;
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
  return key.length === MASTER_KEY_BYTES ? key : undefined;
}

/** A name in a directory is kept by the directory. */
function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** The whole file or none of it, readable by its owner only. */
function writeKey(file: string, key: Buffer): void {
  const partial = `${file}.${process.pid}.partial`;
  rmSync(partial, { force: true });
  const handle = openSync(partial, 'wx', 0o600);
  try {
    writeSync(handle, `${key.toString('base64')}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(partial, file);
  syncDirectory(path.dirname(file));
}

/**
 * The master key in `DATA_DIR`, and how another one takes its place: it is written beside it, then the data keys are wrapped
 * under it, then it is moved to its place. Whatever is killed in between, one of the two files fits the database.
 */
export class MasterKeyFile {
  constructor(private readonly dataDir: string) {}

  /** Undefined where there is none. @throws BadSettings when the file holds no key: it was cut off, or is another file */
  read(): Buffer | undefined {
    const key = readKey(this.current);
    if (key !== undefined || !existsSync(this.current)) return key;
    throw new BadSettings([
      `${this.current} does not hold a master key, which is ${MASTER_KEY_BYTES} bytes in base64: put it back from a backup; ` +
        'where nothing was ever started with it, delete the file',
    ]);
  }

  /** Puts the next key beside the one in use; one left there by a re-wrap that was never done is replaced. */
  writeNext(key: Buffer): void {
    writeKey(this.next, key);
  }

  /** Moves the next key to its place, also when somebody else has just done so. */
  promoteNext(): void {
    try {
      renameSync(this.next, this.current);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    syncDirectory(this.dataDir);
  }

  /**
   * The master key of this id, where a re-wrap was ended between wrapping and moving its file; it is in its place then.
   * Undefined when neither file holds it.
   */
  adopt(masterKeyId: string): Buffer | undefined {
    const isIt = (key: Buffer | undefined): key is Buffer => key !== undefined && new MasterKey(key).id === masterKeyId;
    const next = readKey(this.next);
    if (isIt(next)) this.promoteNext();
    const current = this.read();
    return isIt(current) ? current : undefined;
  }

  private get current(): string {
    return path.join(this.dataDir, CURRENT);
  }

  private get next(): string {
    return path.join(this.dataDir, NEXT);
  }
}
