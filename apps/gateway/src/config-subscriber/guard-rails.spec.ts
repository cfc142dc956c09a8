import { sealRecord, type ConfigChannel } from '#libs/config-distribution';
import { changeFor, EnvironmentUnderTest, type GatewayUnderTest } from './testing/subscriber-rig.ts';

const GIBBERISH = 's1.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAA';

describe('data in Redis that is not as it should be', () => {
  let environment: EnvironmentUnderTest;
  let gateway: GatewayUnderTest;
  beforeEach(async () => {
    environment = await EnvironmentUnderTest.create();
    await environment.publish('orders', 1);
    await environment.publish('stock', 5);
    gateway = environment.start();
    await gateway.look();
  });
  afterEach(() => environment.dispose());

  const counted = async (problem: string): Promise<number> => {
    const { values } = (await gateway.metrics.registry.getSingleMetric('gatewarden_reports_total')?.get()) ?? {};
    return values?.find(({ labels }) => labels['problem'] === problem)?.value ?? 0;
  };
  const plant = (deployment: number, record: string, artifact: string | null = GIBBERISH) =>
    environment.channel.publish({ proxyId: 'id-of-orders', deployment, record, artifact });
  const sealed = (deployment: number): string => sealRecord(environment.prepared.keys, changeFor('orders', deployment));
  const epoch = async (): Promise<string> => (await environment.channel.position())?.epoch ?? '';
  const replaced = <Name extends keyof ConfigChannel>(name: Name, by: ConfigChannel[Name]): void => {
    Object.assign(environment.channel, { [name]: by });
  };

  /** The next look finds the log shorter than it was, and so reads everything. */
  const endsOnceAt = async (sequence: number): Promise<void> => {
    const { position, recordsAfter } = environment.channel;
    const at = { epoch: await epoch(), sequence };
    replaced('position', async () => {
      replaced('position', position);
      return at;
    });
    replaced('recordsAfter', async (after, limit) => {
      replaced('recordsAfter', recordsAfter);
      return (await recordsAfter(after, limit)).filter((one) => one.sequence <= sequence);
    });
  };

  it.each<[string, string, () => Promise<unknown>]>([
    ['nothing at all', 'empty', () => environment.emptyRedis()],
    [
      'a log that has a gap',
      'gap',
      async () => {
        await environment.publish('prices', 6);
        await environment.publish('prices', 7);
        const read = environment.channel.recordsAfter;
        replaced('recordsAfter', async (at, limit) => (await read(at, limit)).filter(({ sequence }) => sequence !== 3));
      },
    ],
    [
      'a log that ends before it did',
      'restored',
      async () => {
        await endsOnceAt(1);
      },
    ],
    [
      'a position before the end of the log',
      'wrong-position',
      async () => {
        const at = { epoch: await epoch(), sequence: 1 };
        replaced('position', async () => at);
      },
    ],
    [
      'another record where the last one stood',
      'restored',
      async () => {
        const read = environment.channel.recordsAfter;
        replaced('recordsAfter', async (at, limit) =>
          (await read(at, limit)).map((one) => ({ ...one, sealed: one.sequence === 2 ? GIBBERISH : one.sealed })),
        );
      },
    ],
    ['a record that is foreign', 'altered-record', () => plant(6, GIBBERISH)],
    ['a tombstone that is not sealed', 'altered-record', () => plant(6, GIBBERISH, null)],
    ['a genuine record under a later number', 'altered-record', () => plant(6, sealed(1))],
    ['an artifact that is broken', 'altered-artifact', () => plant(6, sealed(6))],
    ['a record without its artifact', 'missing-artifact', () => plant(6, sealed(6), null)],
    [
      'an older deployment',
      'older',
      async () => {
        await environment.emptyRedis();
        await environment.publish('stock', 4);
      },
    ],
    [
      'an older tombstone',
      'older',
      async () => {
        await environment.emptyRedis();
        await environment.remove('stock', 4);
      },
    ],
    [
      'a checkpoint that is broken',
      'altered-checkpoint',
      async () => {
        const read = environment.channel.checkpoint;
        replaced('checkpoint', async () => {
          const stored = await read();
          return stored && { ...stored, sealed: GIBBERISH };
        });
        await endsOnceAt(0);
      },
    ],
  ])('%s changes nothing and is reported as %s: a line and a metric, once', async (_what, problem, spoil) => {
    await spoil();
    await gateway.look();
    await gateway.look();
    expect([gateway.deploymentOf('orders'), gateway.deploymentOf('stock')]).toEqual([1, 5]);
    expect([gateway.routes('/orders'), gateway.routes('/stock')]).toEqual(['matched', 'matched']);
    expect(await counted(problem)).toBe(1);
    const lines = gateway.log.lines.filter((line) => line['problem'] === problem);
    expect(lines.map(({ level }) => level)).toEqual(['warn']);
  });

  it('a hint that was altered changes nothing, is reported, and hides no change', async () => {
    const messages: string[] = [];
    await environment.channel.watch('changes', (message) => void messages.push(message ?? ''));
    let hint: (message: string) => void = () => undefined;
    replaced('watch', async (_topic, onHint) => {
      hint = onHint;
      return { close: async () => undefined };
    });
    await gateway.subscriber.start();
    await gateway.look();
    await environment.publish('prices', 6);
    hint(JSON.stringify(Object.assign(JSON.parse(messages[0] ?? '') as string[], { 4: GIBBERISH })));
    await gateway.look();
    expect(await counted('altered-hint')).toBe(1);
    expect(gateway.deploymentOf('prices')).toBe(6);
    expect((await gateway.lease())?.loaded?.sequence).toBe(3);
  });

  it('a proxy leaves by its tombstone', async () => {
    await environment.remove('orders', 6);
    await gateway.look();
    expect(gateway.served).toEqual(['stock']);
  });
});
