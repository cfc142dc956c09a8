import fc from 'fast-check';
import type { ConfigChannel, StoredArtifact, StoredRecord } from './config-channel.port.ts';
import { type ConfigPublisher } from './config-publisher.ts';
import { ConfigFollower } from './config-follower.ts';
import { InMemoryConfigChannel } from './in-memory/in-memory-config-channel.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';
import { artifactChange, prepareEnvironment, ReplaceableChannel, tombstone } from './testing/index.ts';

const PROXIES = ['a', 'b', 'c'] as const;
type Step =
  | { readonly kind: 'publish'; readonly proxyId: string; readonly isRemoval: boolean; readonly isLong: boolean }
  /** Of all messages that ever were, the one at this place: late, twice, in any order, or never. */
  | {
      readonly kind: 'hint';
      readonly which: number;
      readonly isAltered: boolean;
      readonly atSequence: number | undefined;
    }
  | { readonly kind: 'look' | 'flush' | 'repair' | 'keep copy' | 'restore copy' }
  | { readonly kind: 'tamper'; readonly what: 'records' | 'artifacts' | 'position' | 'checkpoint' };

const one = <Kind extends string>(...kinds: readonly Kind[]) => fc.record({ kind: fc.constantFrom(...kinds) });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      proxyId: fc.constantFrom(...PROXIES),
      isRemoval: fc.boolean(),
      isLong: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('hint' as const),
      which: fc.nat({ max: 30 }),
      isAltered: fc.boolean(),
      atSequence: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
    }),
  },
  { weight: 6, arbitrary: one('look') },
  { weight: 3, arbitrary: one('flush', 'repair', 'keep copy', 'restore copy') },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('tamper' as const),
      what: fc.constantFrom('records' as const, 'artifacts' as const, 'position' as const, 'checkpoint' as const),
    }),
  },
);

/** What somebody does who may write to Redis, until the control plane repairs it. */
class TamperedChannel extends ReplaceableChannel {
  private readonly genuine = { ...this };

  tamper(what: 'records' | 'artifacts' | 'position' | 'checkpoint'): void {
    const { recordsAfter, artifacts, position, checkpoint } = this.genuine;
    const spoiled = <Stored extends StoredRecord | StoredArtifact>(stored: Stored): Stored => ({
      ...stored,
      sealed: 's1.x.y',
    });
    if (what === 'records') this.recordsAfter = async (at, limit) => (await recordsAfter(at, limit)).map(spoiled);
    if (what === 'artifacts')
      this.artifacts = async (ids) => new Map([...(await artifacts(ids))].map(([id, stored]) => [id, spoiled(stored)]));
    if (what === 'position') this.position = async () => ({ epoch: (await position())?.epoch ?? 'none', sequence: 0 });
    if (what === 'checkpoint')
      this.checkpoint = async () => {
        const stored = await checkpoint();
        return stored && { ...stored, sealed: 's1.x.y' };
      };
  }

  heal(): void {
    Object.assign(this, this.genuine);
  }
}

/** An environment, its control plane, which numbers what it publishes, and one gateway, which never restarts. */
class World {
  readonly live = new Map<string, number>();
  wentBack = false;
  private readonly channel = new TamperedChannel(new InMemoryConfigChannel());
  private readonly messages: string[] = [];
  /** What the control plane recorded: the newest of each proxy. */
  readonly recorded = new Map<string, { deployment: number; isRemoval: boolean; isLong: boolean }>();
  private deployment = 0;
  private copy: ConfigChannel | undefined;
  private follower!: ConfigFollower;
  private keys!: ChannelKeys;
  private publisher!: ConfigPublisher;

  static async create(): Promise<World> {
    const world = new World();
    ({ keys: world.keys, publisher: world.publisher } = await prepareEnvironment(world.channel, 'production'));
    await world.listen();
    world.follower = new ConfigFollower(world.channel, world.keys, {
      apply: async (changes) => {
        for (const { change } of changes) world.apply(change.proxyId, change.deployment);
        return new Map(changes.map(({ change }) => [change.proxyId, { applied: true }]));
      },
      report: () => undefined,
    });
    return world;
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'publish':
        return this.publish(step.proxyId, step);
      case 'hint':
        return this.hint(step);
      case 'look':
        return void (await this.follower.refresh());
      case 'tamper':
        return this.channel.tamper(step.what);
      case 'flush':
        this.channel.server = new InMemoryConfigChannel();
        return this.listen();
      case 'keep copy':
        this.copy = await this.copied();
        return;
      case 'restore copy':
        if (this.copy !== undefined) this.channel.server = this.copy;
        this.copy = undefined;
        return this.listen();
      case 'repair':
        return this.repair();
    }
  }

  /** As the control plane does it: a new log, and everything again under new numbers. */
  async repair(): Promise<void> {
    this.channel.heal();
    const position = await this.channel.position();
    if (position !== undefined) await this.publisher.restart(position.epoch);
    for (const [proxyId, wish] of this.recorded) await this.publish(proxyId, wish);
  }

  private apply(proxyId: string, deployment: number): void {
    this.wentBack ||= deployment <= (this.live.get(proxyId) ?? 0);
    this.live.set(proxyId, deployment);
  }

  private async publish(
    proxyId: string,
    { isRemoval, isLong }: { isRemoval: boolean; isLong: boolean },
  ): Promise<void> {
    this.deployment += 1;
    const { deployment } = this;
    this.recorded.set(proxyId, { deployment, isRemoval, isLong });
    const change = isRemoval ? tombstone(proxyId, deployment) : artifactChange(proxyId, deployment);
    await this.publisher.publish(change, isRemoval ? null : 'x'.repeat(isLong ? 40_000 : 10));
  }

  private hint({ which, isAltered, atSequence }: Extract<Step, { kind: 'hint' }>): void {
    const message = this.messages[which];
    if (message === undefined) return;
    const parts = message.startsWith('[') ? (JSON.parse(message) as string[]) : [message];
    if (atSequence !== undefined) parts[1] = String(atSequence);
    if (isAltered) parts[4] = 's1.x.y';
    this.follower.offer(JSON.stringify(parts));
  }

  private async listen(): Promise<void> {
    await this.channel.watch('changes', (message) => void this.messages.push(message ?? ''));
  }

  /** The same log up to here, record by record. */
  private async copied(): Promise<ConfigChannel | undefined> {
    const position = await this.channel.position();
    if (position === undefined) return undefined;
    const copy = new InMemoryConfigChannel();
    await copy.writeCheckpoint({ ...position, sequence: 0 }, 'none');
    const records = await this.channel.server.recordsAfter(0, 1_000);
    const artifacts = await this.channel.server.artifacts(PROXIES);
    for (const { proxyId, deployment, sealed: record } of records) {
      const held = artifacts.get(proxyId);
      await copy.publish({
        proxyId,
        deployment,
        record,
        artifact: held?.deployment === deployment ? held.sealed : null,
      });
    }
    return copy;
  }
}

it('a gateway applies nothing older than it had, whatever becomes of its Redis, and has the newest after a repair', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 50 }), async (steps) => {
      const world = await World.create();
      for (const step of steps) {
        await world.take(step);
        expect(world.wentBack).toBe(false);
      }
      await world.repair();
      await world.take({ kind: 'look' });
      await world.take({ kind: 'look' });
      expect(world.wentBack).toBe(false);
      const newest = [...world.recorded].map(([proxyId, { deployment }]) => [proxyId, deployment]);
      expect(new Map([...world.live].sort())).toEqual(new Map(newest.sort() as [string, number][]));
    }),
    { numRuns: 300 },
  );
});
