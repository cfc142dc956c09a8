import fc from 'fast-check';
import { ConfigFollower } from './config-follower.ts';
import { InMemoryConfigChannel } from './in-memory/in-memory-config-channel.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';
import { artifactChange, prepareEnvironment, ReplaceableChannel, tombstone } from './testing/index.ts';

type Step =
  | { readonly kind: 'publish'; readonly proxyId: string; readonly deployment: number }
  | { readonly kind: 'look' | 'restart' | 'empty' };

const anyProxy = fc.constantFrom('a', 'b', 'c');
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      proxyId: anyProxy,
      deployment: fc.integer({ min: 1, max: 30 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'empty' as const) }) },
);

/** A gateway whose snapshot outlives its process. */
class Restartable {
  readonly snapshot = new Map<string, number>();
  wentBack = false;
  follower: ConfigFollower;

  constructor(
    private readonly channel: ReplaceableChannel,
    private readonly keys: ChannelKeys,
  ) {
    this.follower = this.start();
  }

  start(): ConfigFollower {
    this.follower = new ConfigFollower(this.channel, this.keys, {
      apply: async (changes) => {
        for (const { change } of changes) {
          this.wentBack ||= change.deployment <= (this.snapshot.get(change.proxyId) ?? 0);
          this.snapshot.set(change.proxyId, change.deployment);
        }
        return new Map(changes.map(({ change }) => [change.proxyId, { applied: true }]));
      },
      report: () => undefined,
    });
    for (const [proxyId, deployment] of this.snapshot) this.follower.remember(proxyId, deployment);
    return this.follower;
  }
}

/** Numbers mean one content: a deployment that is published twice is the same change. */
const changeOf = ({ proxyId, deployment }: { proxyId: string; deployment: number }) =>
  deployment % 5 === 0 ? tombstone(proxyId, deployment) : artifactChange(proxyId, deployment);

it('every gateway ends with the newest deployment of every proxy and never goes back, whatever happens in between', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 40 }), async (steps) => {
      const channel = new ReplaceableChannel(new InMemoryConfigChannel());
      const { keys, publisher } = await prepareEnvironment(channel, 'production');
      const gateway = new Restartable(channel, keys);
      /** What Redis holds, and the highest a gateway may have seen before Redis lost it. */
      const held = new Map<string, number>();
      const publish = async (proxyId: string, deployment: number): Promise<void> => {
        const change = changeOf({ proxyId, deployment });
        await publisher.publish(change, change.kind === 'tombstone' ? null : 'artifact');
        held.set(proxyId, Math.max(deployment, held.get(proxyId) ?? 0));
      };
      for (const step of steps) {
        if (step.kind === 'publish') await publish(step.proxyId, step.deployment);
        if (step.kind === 'look') await gateway.follower.refresh();
        if (step.kind === 'restart') gateway.start();
        if (step.kind === 'empty') {
          channel.server = new InMemoryConfigChannel();
          held.clear();
        }
      }
      const expected = new Map(gateway.snapshot);
      for (const [proxyId, deployment] of held) {
        expected.set(proxyId, Math.max(deployment, expected.get(proxyId) ?? 0));
      }
      await gateway.follower.refresh();
      expect(gateway.wentBack).toBe(false);
      expect(new Map([...gateway.snapshot].sort())).toEqual(new Map([...expected].sort()));
      expect(await gateway.follower.refresh()).toEqual([]);
    }),
    { numRuns: 400 },
  );
});

it('many gateways that look at different times end with the same deployments', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(anyProxy, fc.integer({ min: 1, max: 30 }), fc.nat({ max: 2 })), { maxLength: 60 }),
      async (publishes) => {
        const channel = new ReplaceableChannel(new InMemoryConfigChannel());
        const { keys, publisher } = await prepareEnvironment(channel, 'production');
        const gateways = [0, 1, 2].map(() => new Restartable(channel, keys));
        for (const [proxyId, deployment, looks] of publishes) {
          const change = changeOf({ proxyId, deployment });
          await publisher.publish(change, change.kind === 'tombstone' ? null : 'artifact');
          await gateways[looks]?.follower.refresh();
        }
        for (const gateway of gateways) await gateway.follower.refresh();
        const [first, ...others] = gateways.map(({ snapshot }) => new Map([...snapshot].sort()));
        for (const other of others) expect(other).toEqual(first);
      },
    ),
    { numRuns: 150 },
  );
});
