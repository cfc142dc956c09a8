import { afterEach, describe, expect, it } from '@jest/globals';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { acquireDirectoryLock } from './directory-lock.ts';
import { DirectoryInUse, EmbeddedServerError } from './embedded-server-error.ts';
import { killChildScripts, runChildScript } from './testing/child-script.ts';
import { removeTemporaryDirectories, temporaryDirectory } from './testing/temporary-directory.ts';

const lockFile = (directory: string): string => path.join(directory, 'process.lock');

/** Takes the lock, says how that went, and lives until it is killed or its input ends. */
const TAKE_AND_HOLD = (directory: string): string => `
  import { acquireDirectoryLock } from '#libs/embedded-servers';
  try { acquireDirectoryLock(${JSON.stringify(directory)}, 'a child'); console.log('taken'); }
  catch (error) { console.log(error.code); }
  process.stdin.resume().once('end', () => process.exit(0));`;

function refusalOf(action: () => unknown): DirectoryInUse {
  try {
    action();
  } catch (error) {
    if (error instanceof DirectoryInUse) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a directory lock', () => {
  afterEach(async () => {
    await killChildScripts();
    removeTemporaryDirectories();
  });

  it('creates the directory, is readable by its owner alone and goes with its release', () => {
    const directory = path.join(temporaryDirectory(), 'not', 'yet', 'there');
    const lock = acquireDirectoryLock(directory, 'a test');
    expect(statSync(lockFile(directory)).mode & 0o777).toBe(0o600);
    lock.release();
    expect(statSync(lockFile(directory), { throwIfNoEntry: false })).toBeUndefined();
  });

  it('refuses a second holder and names the first and what to do', () => {
    const directory = temporaryDirectory();
    const lock = acquireDirectoryLock(directory, 'the control plane');
    const refusal = refusalOf(() => acquireDirectoryLock(directory, 'another'));
    expect(refusal).toMatchObject({ code: 'DIRECTORY_IN_USE', pid: process.pid, directory });
    expect(refusal.message).toBe(`${directory} is in use by the control plane (process ${process.pid})`);
    expect(refusal.remedies).toContain(`stop that process first: kill ${process.pid}`);
    lock.release();
  });

  it('is free again at once when its holder was killed with -9', async () => {
    const directory = temporaryDirectory();
    const holder = runChildScript(TAKE_AND_HOLD(directory));
    expect(await holder.nextLine()).toBe('taken');
    expect(refusalOf(() => acquireDirectoryLock(directory, 'a test')).pid).toBe(holder.child.pid);
    await holder.killHard();
    acquireDirectoryLock(directory, 'a test').release();
  });

  it('does not mistake a later process with the number of the holder for the holder', () => {
    const directory = temporaryDirectory();
    acquireDirectoryLock(directory, 'a test');
    const held = JSON.parse(readFileSync(lockFile(directory), 'utf8')) as object;
    writeFileSync(lockFile(directory), JSON.stringify({ ...held, startTicks: '1' }));
    acquireDirectoryLock(directory, 'a test').release();
  });

  it.each(['', '{"pid":', 'null', '[]', '{"pid":"1"}'])('takes over a lock that is damaged: %j', (content) => {
    const directory = temporaryDirectory();
    writeFileSync(lockFile(directory), content);
    acquireDirectoryLock(directory, 'a test').release();
  });

  it('leaves the lock of the next holder alone when it is released twice', () => {
    const directory = temporaryDirectory();
    const first = acquireDirectoryLock(directory, 'the first');
    first.release();
    const second = acquireDirectoryLock(directory, 'the second');
    first.release();
    expect(() => acquireDirectoryLock(directory, 'the third')).toThrow(DirectoryInUse);
    second.release();
  });

  it('goes to exactly one of many processes that find an abandoned one together', async () => {
    const directory = temporaryDirectory();
    writeFileSync(lockFile(directory), JSON.stringify({ pid: 2 ** 22 + 1, startTicks: '1', bootId: 'x' }));
    const children = Array.from({ length: 6 }, () => runChildScript(TAKE_AND_HOLD(directory)));
    const said = await Promise.all(children.map((child) => child.nextLine()));
    await Promise.all(children.map((child) => child.killHard()));
    expect(said.toSorted()).toEqual([...Array<string>(5).fill('DIRECTORY_IN_USE'), 'taken']);
  });

  it('says what is wrong with a path that cannot be a directory', () => {
    const file = path.join(temporaryDirectory(), 'a-file');
    writeFileSync(file, '');
    expect(() => acquireDirectoryLock(file, 'a test')).toThrow(EmbeddedServerError);
  });
});
