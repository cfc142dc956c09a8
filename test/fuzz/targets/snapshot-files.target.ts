import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { putIdentity } from '#libs/config-distribution';
import {
  EnvironmentUnderTest,
  GatewayUnderTest,
} from '../../../apps/gateway/src/config-subscriber/testing/subscriber-rig.ts';
import { LOCK_FILE } from '../../../apps/gateway/src/config-subscriber/snapshot/directory-owner.ts';
import { REVOCATIONS_FILE } from '../../../apps/gateway/src/revocations/revocations-file.ts';
import { type SeededRandom } from '../../chaos/seeded-random.ts';
import { type FuzzTarget, type Judgement } from '../fuzz-target.ts';
import { mutateText } from '../mutate-text.ts';

const IN_MEMORY = '/dev/shm';
const PIECES = [
  ...'{}[]",:\\ \n\u0000\u00ff0aA_-',
  ...[
    'null',
    'true',
    'false',
    '"formatVersion":2',
    '"deployment":99',
    '"proxyId":"id-of-users"',
    '"artifact":null',
    '"isComplete":false',
  ],
];
const WAYS = ['spoilt', 'spoilt', 'spoilt', 'cut', 'empty', 'swapped', 'a directory'] as const;
const REVOKED = { by: 'user', value: 'mallory', issuedUntilSeconds: null, endsAtMs: null } as const;

/** What a gateway serves of a proxy, and which change brought it. */
const servedBy = (gateway: GatewayUnderTest): ReadonlyMap<string, unknown> =>
  new Map(
    [...(gateway.active.current?.proxies ?? [])].map(([id, { change, linked }]) => [id, [change, linked.artifact]]),
  );

interface Whole {
  readonly files: ReadonlyMap<string, string>;
  readonly served: ReadonlyMap<string, unknown>;
}

/** The files that a gateway leaves behind, in one directory after the other. */
class Snapshots {
  private constructor(
    private readonly environment: EnvironmentUnderTest,
    private readonly root: string,
    readonly whole: Whole,
  ) {}

  static async make(): Promise<Snapshots> {
    const environment = await EnvironmentUnderTest.create();
    const root = mkdtempSync(path.join(existsSync(IN_MEMORY) ? IN_MEMORY : os.tmpdir(), 'gatewarden-fuzz-'));
    await environment.publish('orders', 1);
    await environment.publish('users', 2);
    await environment.publish('gone', 3);
    await environment.remove('gone', 4);
    const orders = { flushes: [{ uri: null, number: 1 }], denied: [{ uri: 'https://idp.example/jwks', kid: 'k' }] };
    const record = { kind: 'orders', subject: 'key-sets', version: 1, content: orders } as const;
    await putIdentity(environment.channel, environment.prepared.keys, record);
    await environment.ledger.record([REVOKED], environment.nowMs);
    const directory = path.join(root, 'whole');
    const gateway = new GatewayUnderTest(environment, environment.prepared.gatewayKey, directory);
    await gateway.look();
    const served = servedBy(gateway);
    await gateway.kill();
    const names = readdirSync(directory).filter((name) => name !== LOCK_FILE);
    const files = new Map(names.map((name) => [name, readFileSync(path.join(directory, name), 'utf8')]));
    if (served.size !== 2 || files.size < 6) throw new Error(`no whole snapshot: ${names.join(', ')}`);
    return new Snapshots(environment, root, { files, served });
  }

  /** Starts a gateway on these files, at first without Redis and then with it. */
  async judge(name: string, content: string | undefined): Promise<Judgement> {
    const directory = path.join(this.root, 'spoilt');
    mkdirSync(directory, { recursive: true });
    for (const [file, text] of this.whole.files) if (file !== name) writeFileSync(path.join(directory, file), text);
    if (content === undefined) mkdirSync(path.join(directory, name));
    else writeFileSync(path.join(directory, name), content, 'latin1');
    const gateway = new GatewayUnderTest(this.environment, this.environment.prepared.gatewayKey, directory);
    try {
      return await this.judgeStart(gateway, name, content);
    } finally {
      this.environment.channel.isAway = false;
      await gateway.kill();
      rmSync(directory, { recursive: true });
    }
  }

  dispose(): Promise<void> {
    rmSync(this.root, { recursive: true });
    return this.environment.dispose();
  }

  private async judgeStart(gateway: GatewayUnderTest, name: string, content: string | undefined): Promise<Judgement> {
    this.environment.channel.isAway = true;
    await gateway.subscriber.restore();
    const early = servedBy(gateway);
    const group = early.size === this.whole.served.size ? 'all served' : `${early.size} served`;
    const violation = this.isOlder(name, content)
      ? undefined
      : this.startViolation(gateway, early, content !== this.whole.files.get(name));
    if (violation !== undefined) return { group, violation };
    this.environment.channel.isAway = false;
    await gateway.look();
    if (gateway.log.at('error').some((line) => line.includes('could not be looked at')))
      return { group, violation: 'cannot look at Redis any more' };
    const isWhole =
      isDeepStrictEqual(servedBy(gateway), this.whole.served) &&
      gateway.revocations.known.isRevoked({ sub: REVOKED.value });
    return { group, violation: isWhole ? undefined : 'serves something else once Redis is there' };
  }

  /** Revocations are added line by line: a file with fewer whole lines is one from before, whatever was cut off behind. */
  private isOlder(name: string, content: string | undefined): boolean {
    if (name !== REVOCATIONS_FILE || content === undefined) return false;
    const entriesOf = (text: string): string[] => text.split('\n').slice(1, -1);
    const [entries, all] = [entriesOf(content), entriesOf(this.whole.files.get(name) ?? '')];
    return entries.length < all.length && entries.every((entry, at) => entry === all[at]);
  }

  private startViolation(
    gateway: GatewayUnderTest,
    early: ReadonlyMap<string, unknown>,
    isSpoilt: boolean,
  ): string | undefined {
    for (const [id, served] of early) {
      if (!isDeepStrictEqual(served, this.whole.served.get(id))) return `serves something else of ${id}`;
    }
    const lacks = early.size < this.whole.served.size || !gateway.revocations.known.isRevoked({ sub: REVOKED.value });
    if (lacks && !isSpoilt) return 'does not take a whole snapshot';
    if (lacks && gateway.isReady) return 'is ready without all of it';
    return lacks && [...gateway.log.at('error'), ...gateway.log.at('warn')].length === 0
      ? 'does not report what it ignores'
      : undefined;
  }
}

function spoil(text: string, way: (typeof WAYS)[number], random: SeededRandom, whole: Whole): string {
  if (way === 'cut') return text.slice(0, random.between(0, text.length));
  if (way === 'empty') return '';
  if (way === 'swapped') return random.pick([...whole.files.values()]);
  return mutateText(text, random, PIECES);
}

/** One file of a snapshot spoilt, cut, swapped or replaced: a gateway starts on it without Redis, then with it. */
export const SNAPSHOT_FILES: FuzzTarget = {
  name: 'snapshot-files',
  share: 2,
  groups: ['all served', '1 served', '0 served'],
  prepare: async () => {
    const snapshots = await Snapshots.make();
    const names = [...snapshots.whole.files.keys()];
    return {
      next: (random) => {
        const name = random.pick(names);
        const way = random.pick(WAYS);
        const text = spoil(snapshots.whole.files.get(name) ?? '', way, random, snapshots.whole);
        return { text, judge: (given) => snapshots.judge(name, way === 'a directory' ? undefined : given) };
      },
      end: () => snapshots.dispose(),
    };
  },
};
