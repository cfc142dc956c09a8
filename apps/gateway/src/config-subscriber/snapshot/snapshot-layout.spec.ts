import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ChannelKeys, sealArtifact } from '#libs/config-distribution';
import { changeFor, temporaryDirectory } from '../testing/subscriber-rig.ts';
import { SnapshotInUse } from './directory-owner.ts';
import { inheritSnapshot, SnapshotLayout } from './snapshot-layout.ts';
import { SnapshotStore } from './snapshot-store.ts';

const keys = new ChannelKeys('test', randomBytes(32));

describe('the snapshots of a gateway with a changing number of processes', () => {
  const parent = temporaryDirectory();
  let directory: string;
  let serial = 0;
  beforeEach(() => {
    serial += 1;
    directory = path.join(parent.path, `gateway-${serial}`);
  });
  afterAll(() => parent.remove());

  const of = (worker?: number): string => (worker === undefined ? directory : path.join(directory, String(worker)));
  const owning = async (place: string, work: (store: SnapshotStore) => Promise<void>): Promise<void> => {
    const store = new SnapshotStore(place);
    store.open();
    await work(store);
    store.close();
  };
  /** As a process leaves it that has applied a deployment of the proxy. */
  const ran = (place: string, proxy: string, deployment: number, isComplete = true): Promise<void> =>
    owning(place, async (store) => {
      const change = changeFor(proxy, deployment);
      const artifact = `${proxy} ${deployment}`;
      await store.save(keys, { change, artifact, sealedArtifact: sealArtifact(keys, change, artifact) });
      await store.saveAdmission({ environment: 'test', keyId: 'k', wrapped: 'w', isComplete });
    });
  const become = async (workers: number): Promise<void> => {
    if (workers === 1) return inheritSnapshot(directory);
    const layout = new SnapshotLayout(directory);
    layout.open();
    await layout.become(workers).finally(() => layout.close());
  };
  const held = async (place: string): Promise<string[]> => {
    const { changes, faults } = await new SnapshotStore(place).load(keys);
    expect(faults).toEqual([]);
    return changes.map(({ artifact }) => artifact ?? 'removed');
  };
  const isReady = async (place: string): Promise<boolean> =>
    (await new SnapshotStore(place).admission())?.isComplete === true;

  it('are copied to each of the first workers, with the mode of the originals', async () => {
    await ran(of(), 'orders', 7);
    writeFileSync(path.join(of(), 'revocations.jsonl'), 'sealed', { mode: 0o600 });
    await become(2);
    for (const worker of [1, 2]) {
      expect(await held(of(worker))).toEqual(['orders 7']);
      expect(await isReady(of(worker))).toBe(true);
      expect(readFileSync(path.join(of(worker), 'revocations.jsonl'), 'utf8')).toBe('sealed');
      expect(statSync(of(worker)).mode & 0o777).toBe(0o700);
      for (const name of readdirSync(of(worker))) {
        expect(statSync(path.join(of(worker), name)).mode & 0o777).toBe(0o600);
      }
      expect(existsSync(path.join(of(worker), 'gateway.lock'))).toBe(false);
    }
  });

  it('go on from the worker that was furthest, in whichever number they were and will be', async () => {
    await ran(of(), 'orders', 1);
    await become(2);
    await ran(of(1), 'orders', 5);
    await ran(of(2), 'orders', 6);
    await become(3);
    for (const worker of [1, 2, 3]) expect(await held(of(worker))).toEqual(['orders 6']);
    await ran(of(3), 'stock', 8);
    await become(1);
    expect(await held(of())).toEqual(['orders 6', 'stock 8']);
    await ran(of(), 'orders', 9);
    await become(2);
    for (const worker of [1, 2]) expect(await held(of(worker))).toEqual(['orders 9', 'stock 8']);
  });

  it('stay what they are while the number stays the same, but for one that is gone', async () => {
    await ran(of(), 'orders', 1);
    await become(2);
    await ran(of(1), 'orders', 5);
    await become(2);
    expect([await held(of(1)), await held(of(2))]).toEqual([['orders 5'], ['orders 1']]);
    rmSync(of(2), { recursive: true });
    await become(2);
    expect(await held(of(2))).toEqual(['orders 5']);
  });

  it('are begun with nothing where there is none that alone makes a gateway ready', async () => {
    await ran(of(), 'orders', 1, false);
    await become(2);
    expect(existsSync(of(1))).toBe(false);
  });

  it('keep nothing of an older run that the newer does not have', async () => {
    await ran(of(), 'orders', 1);
    await become(2);
    writeFileSync(path.join(of(), 'credentials-00.json'), 'of before', { mode: 0o600 });
    await ran(of(2), 'orders', 2);
    await become(1);
    expect(existsSync(path.join(of(), 'credentials-00.json'))).toBe(false);
    expect(await held(of())).toEqual(['orders 2']);
  });

  it('are not ready where a copy was interrupted, and are copied again', async () => {
    await ran(of(), 'orders', 4);
    mkdirSync(path.join(of(1), 'orders-key-sets.json'), { recursive: true });
    writeFileSync(path.join(of(), 'orders-key-sets.json'), 'sealed');
    await expect(become(2)).rejects.toThrow(/cannot be used: E/);
    expect(await isReady(of(1))).toBe(false);
    rmSync(path.join(of(1), 'orders-key-sets.json'), { recursive: true });
    await become(2);
    expect([await isReady(of(1)), await isReady(of(2))]).toEqual([true, true]);
  });

  it('are not copied while another process works with them', async () => {
    await ran(of(), 'orders', 4);
    await become(2);
    await owning(of(1), async () => {
      await expect(become(3)).rejects.toThrow(SnapshotInUse);
    });
    await owning(of(), async () => {
      await expect(become(1)).rejects.toThrow(SnapshotInUse);
    });
  });

  it('of a gateway that never had workers are not looked at', async () => {
    await become(1);
    expect(existsSync(of())).toBe(false);
  });
});
