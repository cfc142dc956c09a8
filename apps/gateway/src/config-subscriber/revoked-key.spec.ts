import { InMemoryConfigChannel } from '#libs/config-distribution';
import { EnvironmentUnderTest, type GatewayUnderTest } from './testing/subscriber-rig.ts';

/** Later than the next look at the key ring. */
const LATER_MS = 5_000;

describe('a gateway that runs when its key is revoked', () => {
  let environment: EnvironmentUnderTest;
  let gateway: GatewayUnderTest;
  beforeEach(async () => {
    environment = await EnvironmentUnderTest.create();
    await environment.publish('orders', 1);
    gateway = environment.start();
    await gateway.look();
  });
  afterEach(() => environment.dispose());

  const keyId = () => environment.prepared.gatewayKey.keyId;
  const lookLater = async (): Promise<void> => {
    environment.nowMs += LATER_MS;
    await gateway.look();
  };
  const revoke = (entry: string | null = null) => environment.channel.writeKeyRing(new Map([[keyId(), entry]]));
  const reports = async (): Promise<number> => {
    const { values } = (await gateway.metrics.registry.getSingleMetric('gatewarden_reports_total')?.get()) ?? {};
    return values?.find(({ labels }) => labels['problem'] === 'not-admitted')?.value ?? 0;
  };

  it.each([
    ['is gone', null, 'is not in the key ring'],
    ['no longer opens', 'gibberish', 'does not open its entry in the key ring'],
  ])('reports that its entry %s, is not ready, and serves on with what it has', async (_what, entry, text) => {
    await revoke(entry);
    await lookLater();
    expect(gateway.log.at('error')).toEqual([expect.stringContaining(text)]);
    expect(await reports()).toBe(1);
    expect([gateway.isReady, gateway.routes('/orders')]).toEqual([false, 'matched']);
  });

  it('has no contact with its environment, though Redis answers', async () => {
    await revoke();
    await lookLater();
    expect([gateway.subscriber.isRedisUp, gateway.contact.isLive, gateway.contact.ageMs]).toEqual([
      true,
      false,
      LATER_MS,
    ]);
  });

  it('takes no configuration and renews no lease', async () => {
    await revoke();
    await lookLater();
    const leases: string[] = [];
    environment.channel.renewLease = async (gatewayId) => void leases.push(gatewayId);
    await environment.publish('orders', 2);
    await environment.publish('stock', 3);
    await gateway.look();
    await lookLater();
    expect(gateway.deploymentOf('orders')).toBe(1);
    expect(gateway.served).toEqual(['orders']);
    expect(leases).toEqual([]);
  });

  it('is refused while Redis is away too, and goes on when its key is back', async () => {
    await revoke();
    await lookLater();
    environment.channel.isAway = true;
    await lookLater();
    expect(gateway.isReady).toBe(false);
    environment.channel.isAway = false;
    await environment.prepared.admit();
    await environment.publish('orders', 2);
    await gateway.look();
    expect([gateway.isReady, gateway.deploymentOf('orders')]).toEqual([true, 2]);
    expect((await gateway.lease())?.handled).toEqual([1, 2]);
    expect(gateway.log.at('info')).toContain('GATEWAY_KEY is accepted again');
  });

  it('reports every time that it happens', async () => {
    for (let time = 1; time <= 2; time += 1) {
      await revoke();
      await lookLater();
      expect(await reports()).toBe(time);
      await environment.prepared.admit();
      await gateway.look();
    }
  });

  it('asks for its entry at most every five seconds', async () => {
    const asked: string[] = [];
    const ask = environment.channel.keyRingEntry;
    environment.channel.keyRingEntry = (id) => {
      asked.push(id);
      return ask(id);
    };
    for (let looks = 0; looks < 20; looks += 1) {
      environment.nowMs += 1_000;
      await gateway.look();
    }
    expect(asked).toHaveLength(4);
  });

  it('does not take an emptied Redis or one that is away for a revocation', async () => {
    environment.channel.server = new InMemoryConfigChannel();
    await lookLater();
    expect(await environment.channel.leases()).toHaveLength(1);
    expect(gateway.log.at('warn')).toEqual(['Redis holds no configuration any more: serving on with the last one']);
    environment.channel.isAway = true;
    await lookLater();
    expect(gateway.log.at('error')).toEqual([]);
    expect([gateway.isReady, gateway.routes('/orders')]).toEqual([true, 'matched']);
  });

  it('is not admitted again by a Redis that was emptied', async () => {
    await revoke();
    await lookLater();
    environment.channel.server = new InMemoryConfigChannel();
    await lookLater();
    expect(gateway.isReady).toBe(false);
    expect(await environment.channel.leases()).toEqual([]);
  });

  describe('when a change comes into an emptied Redis before the key ring does', () => {
    const ringless = async (): Promise<void> => {
      environment.channel.server = new InMemoryConfigChannel();
      await environment.publish('orders', 2);
    };

    it.each([
      ['it asks for it', () => lookLater()],
      [
        'it has followed the new log',
        async () => {
          await gateway.look();
          await lookLater();
        },
      ],
    ])('waits a moment for it: %s', async (_when, look) => {
      await lookLater();
      await ringless();
      await look();
      expect(gateway.log.at('error')).toEqual([]);
      expect([gateway.isReady, gateway.contact.isLive, gateway.deploymentOf('orders')]).toEqual([...[true, true, 2]]);
      await environment.prepared.admit();
      await lookLater();
      expect([gateway.isReady, await reports()]).toEqual([true, 0]);
    });

    it('reports that it is not in there when it does not come', async () => {
      await lookLater();
      await ringless();
      await lookLater();
      environment.nowMs += 3_000;
      await gateway.look();
      expect([gateway.isReady, await reports()]).toEqual([false, 1]);
      await lookLater();
      expect(gateway.isReady).toBe(false);
    });
  });

  it('is not reported when a repair brings the key ring back between two questions', async () => {
    environment.channel.server = new InMemoryConfigChannel();
    const position = environment.channel.position;
    environment.channel.position = async () => {
      environment.channel.position = position;
      await environment.prepared.admit();
      await environment.publish('orders', 1);
      return position();
    };
    await lookLater();
    expect(gateway.log.at('error')).toEqual([]);
    expect(gateway.isReady).toBe(true);
  });
});
