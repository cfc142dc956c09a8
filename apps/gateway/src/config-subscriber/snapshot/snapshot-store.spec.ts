import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ChannelKeys, sealArtifact, type IncomingChange } from '#libs/config-distribution';
import { changeFor, temporaryDirectory, tombstoneFor } from '../testing/subscriber-rig.ts';
import { SnapshotInUse } from './directory-owner.ts';
import { SnapshotDirectoryUnusable, SnapshotStore, UnsafeProxyId } from './snapshot-store.ts';

const keys = new ChannelKeys('test', randomBytes(32));
const incoming = (proxy: string, deployment: number, artifact = `artifact of ${proxy}`): IncomingChange => {
  const change = changeFor(proxy, deployment);
  return { change, artifact, sealedArtifact: sealArtifact(keys, change, artifact) };
};
const removed = (proxy: string, deployment: number): IncomingChange => ({
  change: tombstoneFor(proxy, deployment),
  artifact: null,
  sealedArtifact: null,
});

describe('SnapshotStore', () => {
  const parent = temporaryDirectory();
  let directory: string;
  let store: SnapshotStore;
  let serial = 0;
  beforeEach(() => {
    serial += 1;
    directory = path.join(parent.path, `gateway-${serial}`, 'snapshot');
    store = new SnapshotStore(directory);
    store.open();
  });
  afterEach(() => store.close());
  afterAll(() => parent.remove());

  const file = (name: string): string => path.join(directory, name);
  const alter = (name: string, change: (text: string) => string): void =>
    writeFileSync(file(name), change(readFileSync(file(name), 'utf8')));
  const problems = async () => (await store.load(keys)).faults;

  it('gives back what was saved last of each proxy, tombstones included', async () => {
    await store.save(keys, incoming('orders', 1));
    await store.save(keys, incoming('orders', 2, 'newer'));
    await store.save(keys, removed('stock', 3));
    const { changes, faults } = await store.load(keys);
    expect(changes.map(({ change, artifact }) => [change.proxyId, change.deployment, change.kind, artifact])).toEqual([
      ['id-of-orders', 2, 'artifact', 'newer'],
      ['id-of-stock', 3, 'tombstone', null],
    ]);
    expect(faults).toEqual([]);
  });

  it('keeps its directory and files to its owner', async () => {
    await store.save(keys, incoming('orders', 1));
    await store.saveAdmission({ environment: 'test', keyId: 'k', wrapped: 'w', isComplete: true });
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(directory)) expect(statSync(file(name)).mode & 0o777).toBe(0o600);
  });

  it('tightens a directory that was there with a wider mode', () => {
    const wide = path.join(parent.path, `wide-${serial}`);
    mkdirSync(wide, { mode: 0o755 });
    const other = new SnapshotStore(wide);
    other.open();
    expect(statSync(wide).mode & 0o777).toBe(0o700);
    other.close();
  });

  it('gives back what admitted the gateway, and nothing when that is broken', async () => {
    const admission = { environment: 'test', keyId: 'k', wrapped: 'w', isComplete: false };
    expect(await store.admission()).toBeUndefined();
    await store.saveAdmission(admission);
    expect(await store.admission()).toMatchObject(admission);
    writeFileSync(file('admission.json'), '{"formatVersion":1');
    expect(await store.admission()).toBeUndefined();
  });

  it.each<[string, (text: string) => string, 'broken' | 'altered']>([
    ['is empty', () => '', 'broken'],
    ['was cut off', (text) => text.slice(0, -10), 'broken'],
    ['is of another format', (text) => text.replace('"formatVersion":1', '"formatVersion":2'), 'broken'],
    ['has another deployment number', (text) => text.replace('"deployment":5', '"deployment":6'), 'altered'],
    ['was made a tombstone', (text) => text.replace(/"artifact":".*"/, '"artifact":null'), 'altered'],
    ['has another artifact', (text) => text.replace(/"artifact":"s1\..*"/, '"artifact":"s1.AAAA.AAAA"'), 'altered'],
    ['has another meta', (text) => text.replace(/"meta":"s1\./, '"meta":"s1.A'), 'altered'],
  ])('ignores and names a file that %s', async (_what, change, problem) => {
    await store.save(keys, incoming('orders', 5));
    await store.save(keys, incoming('stock', 6));
    alter('proxy-id-of-orders.json', change);
    const { changes, faults } = await store.load(keys);
    expect(changes.map(({ change: found }) => found.proxyId)).toEqual(['id-of-stock']);
    expect(faults).toEqual([{ file: 'proxy-id-of-orders.json', problem }]);
  });

  it('ignores a genuine file under the name of another proxy', async () => {
    await store.save(keys, incoming('orders', 5));
    renameSync(file('proxy-id-of-orders.json'), file('proxy-id-of-stock.json'));
    expect(await problems()).toEqual([{ file: 'proxy-id-of-stock.json', problem: 'altered' }]);
  });

  it('does not open under the keys of another environment', async () => {
    await store.save(keys, incoming('orders', 5));
    const { changes, faults } = await store.load(new ChannelKeys('test', randomBytes(32)));
    expect(changes).toEqual([]);
    expect(faults).toHaveLength(1);
  });

  it.each(['../escape', 'a/b', '', '.', 'a'.repeat(129), 'nul\0'])(
    'writes no file for the proxy id %j',
    async (proxyId) => {
      const unsafe = { ...changeFor('orders', 1), proxyId };
      const save = store.save(keys, { change: unsafe, artifact: 'x', sealedArtifact: 'x' });
      await expect(save).rejects.toThrow(UnsafeProxyId);
      expect(readdirSync(directory)).toEqual(['gateway.lock']);
    },
  );

  it('removes at its start what an interrupted write left behind, and reads nothing of it', async () => {
    await store.save(keys, incoming('orders', 1));
    store.close();
    writeFileSync(file('proxy-id-of-orders.json.abc.tmp'), 'half');
    store = new SnapshotStore(directory);
    store.open();
    expect(existsSync(file('proxy-id-of-orders.json.abc.tmp'))).toBe(false);
    expect((await store.load(keys)).changes).toHaveLength(1);
  });

  it('reads hundreds of proxies', async () => {
    const changes = Array.from({ length: 300 }, (_, index) => incoming(`p${index}`, index + 1));
    await Promise.all(changes.map((change) => store.save(keys, change)));
    expect((await store.load(keys)).changes).toHaveLength(300);
  });

  it('refuses a directory that a living process works in, and says what to do', () => {
    const second = new SnapshotStore(directory);
    expect(() => second.open()).toThrow(SnapshotInUse);
    expect(() => second.open()).toThrow(/in use by the gateway with process id \d+: give each gateway a GATEWAY_ID/);
    store.close();
    second.open();
    second.close();
  });

  it.each([
    ['of a process that ended', { pid: 4_194_305, startTicks: '1', bootId: null }],
    ['of an earlier process with the number of a living one', { pid: process.pid, startTicks: '1', bootId: null }],
    ['of an earlier boot', { pid: process.ppid, startTicks: '1', bootId: 'another' }],
  ])('takes over a lock %s', (_what, holder) => {
    store.close();
    writeFileSync(file('gateway.lock'), JSON.stringify(holder));
    store.open();
    expect(JSON.parse(readFileSync(file('gateway.lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    store.close();
    expect(existsSync(file('gateway.lock'))).toBe(false);
  });

  it('takes over a lock that is cut off', () => {
    store.close();
    writeFileSync(file('gateway.lock'), '{"pid":');
    store.open();
    expect(readdirSync(directory)).toEqual(['gateway.lock']);
  });

  it('says that a directory cannot be used', () => {
    const blocked = path.join(parent.path, `file-${serial}`);
    writeFileSync(blocked, '');
    const other = new SnapshotStore(path.join(blocked, 'snapshot'));
    expect(() => other.open()).toThrow(SnapshotDirectoryUnusable);
    expect(() => other.open()).toThrow(/cannot be used: ENOTDIR/);
  });
});
