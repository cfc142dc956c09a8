import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { InMemoryConfigChannel } from '#libs/config-distribution';
import { temporaryDirectory } from '../config-subscriber/testing/subscriber-rig.ts';
import { CredentialFiles } from './credential-files.ts';
import { CredentialsUnderTest, credentialOf } from './testing/credentials-under-test.ts';

const NEVER_SEALED = 's1.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAA';

describe('credentials on disk', () => {
  let directory: ReturnType<typeof temporaryDirectory>;
  let rig: CredentialsUnderTest;
  beforeEach(async () => {
    directory = temporaryDirectory();
    rig = await CredentialsUnderTest.start(directory.path);
    await rig.tell('billing', credentialOf('billing'));
    await rig.tell('bob', credentialOf('bob', { enabled: false }));
  });
  afterEach(async () => {
    await rig.credentials.settle();
    directory.remove();
  });

  const fileOf = (subject: string): string => path.join(directory.path, CredentialFiles.of(subject));
  const use = async (...names: string[]): Promise<void> => {
    for (const name of names) await rig.standing(name);
    await rig.look();
  };
  const restartWithoutRedis = async (): Promise<void> => {
    rig.channel.isAway = true;
    await rig.restart();
  };

  it('are known after a restart without Redis: as they were last, those that are gone among them', async () => {
    await rig.tell('carol', credentialOf('carol'));
    await use('billing', 'bob', 'carol');
    await rig.tell('billing', credentialOf('billing', { access: [] }));
    await rig.tell('carol', null);
    await rig.look();
    await restartWithoutRedis();
    const standings = await rig.standings(['billing', 'bob', 'carol', 'dave']);
    expect(standings).toEqual(['no-access', 'disabled-credential', 'unknown-credential', 'unknown']);
    expect(rig.faults).toEqual([]);
  });

  it('are asked for at their first use when Redis is there, and never go behind what was known', async () => {
    await use('billing', 'bob');
    const { version, sealed } = await rig.stored('billing');
    await rig.tell('billing', credentialOf('billing', { enabled: false }));
    await rig.restart();
    expect(await rig.standing('billing')).toBe('disabled-credential');
    await rig.look();

    rig.channel.server = new InMemoryConfigChannel();
    await rig.plant({ subject: 'billing', version, sealed });
    await rig.restart();
    expect(await rig.standing('billing')).toBe('disabled-credential');
    expect(rig.outcomes.at(-1)).toBe('older');
  });

  it('are sealed as they were received, for their owner only', async () => {
    await use('billing');
    const { version, sealed } = await rig.stored('billing');
    expect(JSON.parse(readFileSync(fileOf('billing'), 'utf8'))).toEqual({
      formatVersion: 1,
      credentials: [{ subject: 'billing', record: { version, sealed }, removal: null }],
    });
    expect(statSync(fileOf('billing')).mode & 0o777).toBe(0o600);
  });

  it('cost no writing while nothing changes, and one file when one does', async () => {
    await use('billing', 'bob');
    const writtenAt = () => readdirSync(directory.path).map((name) => statSync(path.join(directory.path, name)).ino);
    const before = writtenAt();
    await rig.look();
    expect(writtenAt()).toEqual(before);
    await rig.tell('billing', credentialOf('billing', { roles: ['reader'] }));
    await rig.look();
    expect(writtenAt().filter((ino) => !before.includes(ino))).toHaveLength(1);
  });

  it('are written by the look that reads them', async () => {
    await rig.standing('billing');
    await rig.credentials.refresh(rig.sealing);
    while (!existsSync(fileOf('billing'))) await new Promise((done) => setImmediate(done));
    expect(readFileSync(fileOf('billing'), 'utf8')).toContain('"subject":"billing"');
  });

  it('keep the others of their file when one of them changes after a restart', async () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `user-${index}`);
    const other = names.find((name) => CredentialFiles.of(name) === CredentialFiles.of('billing')) ?? '';
    await rig.tell(other, credentialOf(other, { enabled: false }));
    await use('billing', other);
    await rig.restart();
    await rig.tell('billing', credentialOf('billing', { access: [] }));
    await use('billing');
    await restartWithoutRedis();
    expect(await rig.standings(['billing', other])).toEqual(['no-access', 'disabled-credential']);
  });

  it('are not kept of whom nothing is known', async () => {
    await use('nobody');
    expect(readdirSync(directory.path)).toEqual([]);
  });

  it('leave the disk when they are forgotten', async () => {
    await use('billing');
    rig.steadyMs += 3_600_000;
    await rig.look();
    expect(JSON.parse(readFileSync(fileOf('billing'), 'utf8'))).toEqual({ formatVersion: 1, credentials: [] });
  });

  it.each<[string, (text: string) => string, 'broken' | 'altered']>([
    ['is cut off', (text) => text.slice(0, -5), 'broken'],
    ['is of another format', (text) => text.replace('"formatVersion":1', '"formatVersion":2'), 'broken'],
    ['has another version', (text) => text.replace(/"version":\d+/, '"version":99'), 'altered'],
    ['has another name', (text) => text.replace('"subject":"billing"', '"subject":"bob"'), 'altered'],
    ['has other content', (text) => text.replace(/"sealed":"[^"]*"/, `"sealed":"${NEVER_SEALED}"`), 'altered'],
  ])('are ignored and reported in a file that %s; the others are known', async (_how, spoil, problem) => {
    await use('billing', 'bob');
    writeFileSync(fileOf('billing'), spoil(readFileSync(fileOf('billing'), 'utf8')));
    await restartWithoutRedis();
    expect(rig.faults).toEqual([{ file: CredentialFiles.of('billing'), problem }]);
    expect([await rig.standing('billing'), await rig.standing('bob')]).toEqual(['unknown', 'disabled-credential']);
  });

  it('are ignored in the file of others', async () => {
    await use('billing');
    renameSync(fileOf('billing'), fileOf('bob'));
    await restartWithoutRedis();
    expect(rig.faults).toEqual([{ file: CredentialFiles.of('bob'), problem: 'altered' }]);
    expect(await rig.standing('billing')).toBe('unknown');
  });

  it('are written as soon as the disk takes them again, and that it did not is said once', async () => {
    const moved = `${directory.path}-away`;
    renameSync(directory.path, moved);
    await use('billing', 'bob');
    await rig.look();
    expect(rig.unwritten).toBe(1);
    renameSync(moved, directory.path);
    await rig.look();
    await restartWithoutRedis();
    expect([await rig.standing('billing'), await rig.standing('bob')]).toEqual(['good', 'disabled-credential']);
    rmSync(moved, { recursive: true, force: true });
  });

  it('are thousands', async () => {
    const names = Array.from({ length: 2_000 }, (_, index) => `user-${index}`);
    for (const name of names) await rig.tell(name, credentialOf(name));
    await rig.standings(names);
    await rig.look();
    await restartWithoutRedis();
    expect(await rig.standings(names)).toEqual(names.map(() => 'good'));
  });
});
