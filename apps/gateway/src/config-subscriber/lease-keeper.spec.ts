import { ChannelUnavailable, type LeaseState } from '#libs/config-distribution';
import { artifactText, EnvironmentUnderTest, type GatewayUnderTest } from './testing/subscriber-rig.ts';

describe('what a gateway says of itself in its lease', () => {
  let environment: EnvironmentUnderTest;
  let gateway: GatewayUnderTest;
  beforeEach(async () => {
    environment = await EnvironmentUnderTest.create();
    gateway = environment.start();
  });
  afterEach(() => environment.dispose());

  const lease = async (): Promise<LeaseState> => {
    environment.nowMs += 1_000;
    await gateway.look();
    const state = await gateway.lease();
    if (state === undefined) throw new Error('there is no lease');
    return state;
  };

  it('says what is really live, in few bytes', async () => {
    expect((await lease()).served).toBeUndefined();
    await environment.publish('orders', 1);
    await environment.publish('stock', 2);
    const before = await lease();
    expect(before.served).toEqual(gateway.active.served);
    expect([before.served?.proxies, before.holdsInstead]).toEqual([2, []]);
    await environment.publish('stock', 3);
    expect((await lease()).served?.digest).not.toBe(before.served?.digest);
  });

  it('names what it serves instead of what it rejected', async () => {
    await environment.publish('orders', 1);
    await environment.publish('stock', 2, 'gibberish');
    await gateway.look();
    await environment.publish('orders', 3, 'gibberish');
    expect(await lease()).toMatchObject({
      holdsInstead: [
        { proxyId: 'id-of-orders', deployment: 1 },
        { proxyId: 'id-of-stock', deployment: 0 },
      ],
      rejectedDeployments: [3, 2],
      served: { proxies: 1 },
    });
    await environment.publish('orders', 4);
    expect((await lease()).holdsInstead).toEqual([{ proxyId: 'id-of-stock', deployment: 0 }]);
  });

  it('names what it serves instead of an older deployment that it refused, and does not claim that one', async () => {
    await environment.publish('orders', 7);
    await gateway.look();
    await environment.emptyRedis();
    await environment.publish('orders', 5);
    await environment.publish('stock', 6);
    const state = await lease();
    expect(state.holdsInstead).toEqual([{ proxyId: 'id-of-orders', deployment: 7 }]);
    expect(state.handled).not.toContain(5);
    expect(state.handled).toContain(6);
    await environment.publish('orders', 8);
    expect((await lease()).holdsInstead).toEqual([]);
  });

  it('names what it serves instead of a record that it cannot read', async () => {
    await environment.publish('orders', 1);
    await gateway.look();
    const record = 's1.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAA';
    await environment.channel.publish({ proxyId: 'id-of-orders', deployment: 2, record, artifact: 'x' });
    expect(await lease()).toMatchObject({
      holdsInstead: [{ proxyId: 'id-of-orders', deployment: 1 }],
      unsettled: [2],
    });
  });

  it('says the last good deployment that it serves, and that the newest is rejected', async () => {
    await environment.publish('orders', 1);
    await environment.publish('orders', 2, 'gibberish', 1);
    const state = await lease();
    expect(state).toMatchObject({
      holdsInstead: [{ proxyId: 'id-of-orders', deployment: 1 }],
      rejectedDeployments: [2],
    });
    expect(gateway.routes('/orders')).toBe('matched');
    expect(await gateway.metrics.registry.metrics()).toContain('problem="last-good"} 1');
  });

  it('gives all rejections by number and the newest hundred with their reasons', async () => {
    for (let deployment = 1; deployment <= 130; deployment += 1)
      await environment.publish(`proxy-${deployment}`, deployment, 'gibberish');
    await environment.publish('orders', 131);
    const { rejected, rejectedDeployments, holdsInstead, handled } = await lease();
    expect(rejected.map(({ deployment }) => deployment)).toEqual(Array.from({ length: 100 }, (_, at) => 130 - at));
    expect(rejected[0]?.reason).toContain('must be JSON');
    expect(rejectedDeployments).toHaveLength(130);
    expect(holdsInstead).toHaveLength(100);
    expect(handled).toContain(131);
  });

  it('says it at the next look when Redis did not take it', async () => {
    await gateway.look();
    await environment.publish('orders', 1);
    const { renewLease } = environment.channel;
    environment.channel.renewLease = () => Promise.reject(new ChannelUnavailable('test', new Error('timed out')));
    await gateway.look();
    environment.channel.renewLease = renewLease;
    await gateway.look();
    expect((await gateway.lease())?.handled).toEqual([1]);
  });

  it('says after a restart what its snapshot brought back', async () => {
    await environment.publish('orders', 1, artifactText({ proxy: 'orders', paths: ['/orders'] }));
    const { served } = await lease();
    await gateway.kill();
    gateway = environment.start();
    await gateway.subscriber.restore();
    expect((await lease()).served).toEqual(served);
  });
});
