import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { InMemoryConfigChannel, newGatewayKey } from '#libs/config-distribution';
import { SECRET, verifyJwt } from '../http-server/testing/rig.ts';
import { NO_HEADERS } from '../router/header-rules.ts';
import { artifactText, EnvironmentUnderTest, type GatewayUnderTest } from './testing/subscriber-rig.ts';

describe('ConfigSubscriber', () => {
  let environment: EnvironmentUnderTest;
  beforeEach(async () => {
    environment = await EnvironmentUnderTest.create();
  });
  afterEach(() => environment.dispose());

  const looked = async (gateway = environment.start()): Promise<GatewayUnderTest> => {
    await gateway.look();
    return gateway;
  };
  const emptyRedis = async (): Promise<void> => {
    environment.channel.server = new InMemoryConfigChannel();
    await environment.prepared.admit();
  };

  describe('with Redis there', () => {
    it('serves an environment without proxies once it was published, and is not ready before', async () => {
      const gateway = await looked();
      expect([gateway.isReady, gateway.routes('/orders')]).toEqual([false, 'no configuration']);
      await environment.prepared.publisher.publishEmpty();
      await gateway.look();
      expect([gateway.isReady, gateway.routes('/orders')]).toEqual([true, 'not-found']);
    });

    it('makes a batch of deployments live by one swap', async () => {
      await environment.publish('orders', 1);
      await environment.publish('stock', 2);
      const gateway = await looked();
      expect(gateway.served).toEqual(['orders', 'stock']);
      expect(gateway.swaps).toBe(1);
      expect(gateway.subscriber.highestDeployment).toBe(2);
    });

    it('applies a change while what a request that runs has found stays as it was', async () => {
      await environment.publish('orders', 1);
      const gateway = await looked();
      const found = gateway.active.current?.router.match('any', 'GET', '/orders', NO_HEADERS);
      await environment.publish('orders', 2, artifactText({ proxy: 'orders', paths: ['/moved'] }));
      await gateway.look();
      expect([gateway.routes('/orders'), gateway.routes('/moved')]).toEqual(['not-found', 'matched']);
      const route = found?.kind === 'matched' ? found.proxy.artifact.route : undefined;
      expect(route?.paths).toEqual(['/orders']);
    });

    it('removes a proxy by its tombstone and by nothing else', async () => {
      await environment.publish('orders', 1);
      await environment.publish('stock', 2);
      const gateway = await looked();
      await environment.remove('orders', 3);
      await gateway.look();
      expect(gateway.served).toEqual(['stock']);
      await emptyRedis();
      await gateway.look();
      expect(gateway.served).toEqual(['stock']);
      expect(gateway.log.at('warn')).toEqual(['Redis holds no configuration any more: serving on with the last one']);
    });

    it('serves a contested route alike whatever came first, and reports it once for as long as it lasts', async () => {
      const claiming = (proxy: string) => artifactText({ proxy, paths: ['/shared'] });
      const owner = (gateway: GatewayUnderTest): string | undefined => {
        const match = gateway.active.current?.router.match('any', 'GET', '/shared', NO_HEADERS);
        return match?.kind === 'matched' ? match.proxy.artifact.proxy : undefined;
      };
      await environment.publish('stock', 1, claiming('stock'));
      const gateway = await looked();
      await environment.publish('orders', 2, claiming('orders'));
      await gateway.look();
      await environment.publish('prices', 3);
      await gateway.look();
      expect(owner(gateway)).toBe('orders');
      expect(gateway.log.lines.filter(({ level }) => level === 'warn')).toMatchObject([
        { host: '', path: '/shared', method: '', keeper: 'shop/orders', loser: 'shop/stock' },
      ]);
      expect(await gateway.metrics.registry.metrics()).toContain('problem="contested-route"} 1');
      await environment.remove('orders', 4);
      await gateway.look();
      expect(owner(gateway)).toBe('stock');
    });

    it('looks by itself at a hint', async () => {
      const gateway = environment.start();
      await environment.prepared.publisher.publishEmpty();
      await gateway.subscriber.start();
      const leased = new Promise<void>((resolve) => {
        void environment.channel.watch('leases', () => {
          if (gateway.served.length > 0) resolve();
        });
      });
      await environment.publish('orders', 1);
      await leased;
      expect((await gateway.lease())?.handled).toEqual([1]);
    });
  });

  describe('with an artifact that it cannot apply', () => {
    const brokenKey = (): string => {
      const text = artifactText({
        proxy: 'orders',
        pipelines: { request: [verifyJwt('check-token', { condition: 'request.verb = "GET"' })] },
      });
      return text.replace('request.verb = ', 'request.verb === ((');
    };

    it('keeps the older one serving and says which policy and field is at fault', async () => {
      await environment.publish('orders', 1);
      const gateway = await looked();
      await environment.publish('orders', 2, brokenKey());
      await environment.publish('stock', 3);
      await gateway.look();
      expect([gateway.deploymentOf('orders'), gateway.deploymentOf('stock')]).toEqual([1, 3]);
      const [rejection] = (await gateway.lease())?.rejected ?? [];
      expect(rejection).toMatchObject({ proxyId: 'id-of-orders', deployment: 2 });
      expect(rejection?.reason).toContain('check-token');
      expect(rejection?.reason).toContain('condition');
    });

    it.each([
      ['is not JSON', 'gibberish', 'must be JSON'],
      [
        'is of another environment',
        artifactText().replace('"name":"test"', '"name":"production"'),
        'another environment',
      ],
      ['is of another proxy', artifactText({ proxy: 'stock' }), 'another proxy'],
      ['has a path that no request can have', artifactText({ paths: ['/a/../../b'] }), 'artifact.route.paths'],
      ['has an unknown member', artifactText().replace('{', '{"extra":1,'), 'artifact.extra'],
    ])('rejects one that %s', async (_what, text, reason) => {
      await environment.publish('orders', 1, text);
      const gateway = await looked();
      expect((await gateway.lease())?.rejected[0]?.reason).toContain(reason);
      expect(gateway.served).toEqual([]);
      expect(gateway.subscriber.rejectedCount).toBe(1);
    });

    it('never says a secret of it, neither in the lease nor in a log line', async () => {
      const text = brokenKey().replace('"revision":1', `"revision":"${SECRET}"`);
      await environment.publish('orders', 1, text);
      const gateway = await looked();
      expect(gateway.log.at('error')).toHaveLength(1);
      expect(gateway.log.text).not.toContain(SECRET);
      expect(JSON.stringify(await gateway.lease())).not.toContain(SECRET);
    });

    it('answers a later deployment that works', async () => {
      await environment.publish('orders', 1, 'gibberish');
      const gateway = await looked();
      await environment.publish('orders', 2);
      await gateway.look();
      expect((await gateway.lease())?.rejected).toEqual([]);
      expect(gateway.deploymentOf('orders')).toBe(2);
    });
  });

  describe('tells the control plane', () => {
    it('what it handled and up to where it loaded, sealed', async () => {
      await environment.publish('orders', 1);
      const gateway = await looked();
      await environment.publish('orders', 2);
      await gateway.look();
      expect(await gateway.lease()).toMatchObject({
        gatewayId: 'gateway-1',
        deployment: 2,
        handled: [1, 2],
        loaded: { sequence: 2 },
      });
      const [stored] = await environment.channel.leases();
      expect(stored?.sealed).not.toContain('gateway-1');
    });

    it('the last two hundred deployments that it handled', async () => {
      await environment.prepared.publisher.publishEmpty();
      const gateway = await looked();
      for (let deployment = 1; deployment <= 210; deployment += 1) await environment.publish('orders', deployment);
      await gateway.look();
      const handled = (await gateway.lease())?.handled ?? [];
      expect([handled.length, handled[0], handled.at(-1)]).toEqual([200, 11, 210]);
    });

    it('renews about every second, and at once when there is something to tell', async () => {
      await environment.publish('orders', 1);
      const gateway = await looked();
      let renewals = 0;
      const renew = environment.channel.renewLease;
      environment.channel.renewLease = (...lease) => {
        renewals += 1;
        return renew(...lease);
      };
      await gateway.look();
      expect(renewals).toBe(0);
      environment.nowMs += 1_000;
      await gateway.look();
      expect(renewals).toBe(1);
      await environment.publish('orders', 2);
      await gateway.look();
      expect(renewals).toBe(2);
    });

    it('that it is gone when it stops', async () => {
      await environment.publish('orders', 1);
      const gateway = await looked();
      expect(await environment.channel.leases()).toHaveLength(1);
      await gateway.subscriber.stop();
      expect(await environment.channel.leases()).toEqual([]);
    });
  });

  describe('with Redis away', () => {
    it('serves on, says so once, and catches up', async () => {
      await environment.publish('orders', 1);
      const gateway = await looked();
      environment.channel.isAway = true;
      await gateway.look();
      await gateway.look();
      expect(gateway.routes('/orders')).toBe('matched');
      expect([gateway.isReady, gateway.subscriber.isRedisUp]).toEqual([true, false]);
      expect(gateway.log.at('warn')).toEqual(['Redis cannot be reached: serving on, looking again']);
      environment.channel.isAway = false;
      await environment.publish('orders', 2);
      await gateway.look();
      expect([gateway.deploymentOf('orders'), gateway.subscriber.isRedisUp]).toEqual([2, true]);
      expect(gateway.log.at('info')).toContain('Redis is reached again');
    });

    it('grows older until it has compared its configuration again', async () => {
      await environment.publish('orders', 1);
      const gateway = await looked();
      environment.nowMs += 30_000;
      environment.channel.isAway = true;
      await gateway.look();
      expect(gateway.subscriber.ageMs).toBe(30_000);
      environment.channel.isAway = false;
      await gateway.look();
      expect(gateway.subscriber.ageMs).toBe(0);
    });

    it('knows since when it has had no contact, also with a snapshot from before', async () => {
      await environment.publish('orders', 1);
      const gateway = await looked();
      expect([gateway.contact.isLive, gateway.contact.ageMs]).toEqual([true, 0]);
      environment.channel.isAway = true;
      environment.nowMs += 2_000;
      await gateway.look();
      expect([gateway.contact.isLive, gateway.contact.ageMs]).toEqual([false, 2_000]);
      await gateway.kill();
      const again = environment.start();
      await again.subscriber.restore();
      await again.look();
      expect([again.contact.isLive, again.contact.ageMs]).toEqual([false, Infinity]);
      environment.channel.isAway = false;
      await again.look();
      expect([again.contact.isLive, again.contact.ageMs]).toEqual([true, 0]);
    });

    it('restarts from its snapshot and is ready', async () => {
      await environment.publish('orders', 1);
      await environment.publish('stock', 2);
      await environment.remove('stock', 3);
      await (await looked()).kill();
      environment.channel.isAway = true;
      const gateway = environment.start();
      await gateway.subscriber.restore();
      expect(gateway.served).toEqual(['orders']);
      expect([gateway.isReady, gateway.subscriber.highestDeployment]).toEqual([true, 3]);
      expect(gateway.active.current?.proxies.get('id-of-orders')?.change.hash).toBe('hash-1');
    });

    it('restarts from the snapshot of an environment without proxies and is ready', async () => {
      await environment.prepared.publisher.publishEmpty();
      await (await looked()).kill();
      environment.channel.isAway = true;
      const gateway = environment.start();
      await gateway.subscriber.restore();
      expect([gateway.isReady, gateway.routes('/orders')]).toEqual([true, 'not-found']);
    });

    it('is not ready without a snapshot', async () => {
      environment.channel.isAway = true;
      const gateway = environment.start();
      await gateway.subscriber.restore();
      await gateway.look();
      expect([gateway.isReady, gateway.routes('/orders')]).toEqual([false, 'no configuration']);
    });
  });

  describe('with a snapshot', () => {
    const file = (name: string): string => path.join(environment.snapshotDir, name);

    it('does not go back to what an emptied Redis offers, and takes the repair', async () => {
      await environment.publish('orders', 7);
      await (await looked()).kill();
      await emptyRedis();
      await environment.publish('orders', 6, artifactText({ proxy: 'orders', paths: ['/old'] }));
      const gateway = environment.start();
      await gateway.subscriber.restore();
      await gateway.look();
      expect([gateway.deploymentOf('orders'), gateway.routes('/old')]).toEqual([7, 'not-found']);
      await environment.publish('orders', 8);
      await gateway.look();
      expect(gateway.deploymentOf('orders')).toBe(8);
    });

    it('does not bring a removed proxy back from an old copy of Redis', async () => {
      await environment.publish('orders', 1);
      await environment.remove('orders', 2);
      await (await looked()).kill();
      await emptyRedis();
      await environment.publish('orders', 1);
      const gateway = environment.start();
      await gateway.subscriber.restore();
      await gateway.look();
      expect(gateway.served).toEqual([]);
    });

    it('ignores and reports an altered or broken file, serves the rest, and gets the proxy back from Redis', async () => {
      for (const [index, proxy] of ['orders', 'prices', 'stock'].entries()) await environment.publish(proxy, index + 1);
      await (await looked()).kill();
      writeFileSync(file('proxy-id-of-orders.json'), 'gibberish');
      const stock = readFileSync(file('proxy-id-of-stock.json'), 'utf8');
      writeFileSync(file('proxy-id-of-stock.json'), stock.replace('"deployment":3', '"deployment":4'));
      environment.channel.isAway = true;
      const gateway = environment.start();
      await gateway.subscriber.restore();
      expect(gateway.served).toEqual(['prices']);
      expect(gateway.isReady).toBe(false);
      expect(gateway.log.lines.filter(({ level }) => level === 'error')).toMatchObject([
        { file: 'proxy-id-of-orders.json', problem: 'broken' },
        { file: 'proxy-id-of-stock.json', problem: 'altered' },
      ]);
      environment.channel.isAway = false;
      await gateway.look();
      expect(gateway.served).toEqual(['orders', 'prices', 'stock']);
      expect(gateway.isReady).toBe(true);
    });

    it.each<[string, (text: string) => string]>([
      ['broken', (text) => text.slice(1)],
      ['altered', (text) => text.replace(/"wrapped":"([^"]*)"/, '"wrapped":"$1A"')],
    ])('reports that what admitted it is %s, and begins as if there were none', async (problem, spoil) => {
      await environment.publish('orders', 1);
      await (await looked()).kill();
      writeFileSync(file('admission.json'), spoil(readFileSync(file('admission.json'), 'utf8')));
      environment.channel.isAway = true;
      const gateway = environment.start();
      await gateway.subscriber.restore();
      expect([gateway.served, gateway.isReady]).toEqual([[], false]);
      expect(gateway.log.lines.filter(({ level }) => level === 'error')).toMatchObject([
        { file: 'admission.json', problem },
      ]);
      environment.channel.isAway = false;
      await gateway.look();
      expect(gateway.served).toEqual(['orders']);
    });

    it('says that it was kept for another gateway key, and begins as if there were none', async () => {
      await environment.publish('orders', 1);
      await (await looked()).kill();
      const kept = readFileSync(file('admission.json'), 'utf8');
      writeFileSync(file('admission.json'), kept.replace(/"keyId":"[^"]*"/, '"keyId":"another"'));
      environment.channel.isAway = true;
      const gateway = environment.start();
      await gateway.subscriber.restore();
      expect(gateway.served).toEqual([]);
      expect(gateway.log.at('warn')).toEqual([
        'the snapshot was kept for another environment or gateway key: beginning without it',
      ]);
    });

    it('holds nothing in clear', async () => {
      await environment.publish(
        'orders',
        1,
        artifactText({ proxy: 'orders', pipelines: { request: [verifyJwt('v')] } }),
      );
      await looked();
      for (const name of readdirSync(environment.snapshotDir)) {
        const text = readFileSync(file(name), 'utf8');
        for (const clear of [SECRET, environment.prepared.gatewayKeyText.slice(-43)]) expect(text).not.toContain(clear);
        // As a word, which a random text does not come to.
        expect(text).not.toMatch(/\bshop\b/);
      }
    });

    it('is written after the change is live, and a failure to write is reported and not fatal', async () => {
      const gateway = environment.start();
      const writes: string[] = [];
      gateway.snapshot.save = async () => {
        writes.push(gateway.routes('/orders'));
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      };
      await environment.publish('orders', 1);
      await gateway.look();
      expect(writes).toEqual(['matched']);
      expect(gateway.log.at('error')).toEqual(['the snapshot could not be written']);
      expect((await gateway.lease())?.handled).toEqual([1]);
    });
  });

  describe('with a key that is not accepted', () => {
    it('is not ready, says why at a sane rate without the key, and holds no lease', async () => {
      await environment.publish('orders', 1);
      const gateway = await looked(environment.start(newGatewayKey()));
      await gateway.look();
      const [complaint, ...more] = gateway.log.at('error');
      expect(complaint).toMatch(/^GATEWAY_KEY \(id [0-9a-f]{12}\) is not in the key ring of environment test/);
      expect(more).toEqual([]);
      environment.nowMs += 60_000;
      await gateway.look();
      expect(gateway.log.at('error')).toHaveLength(2);
      expect(gateway.isReady).toBe(false);
      expect(await environment.channel.leases()).toEqual([]);
    });

    it('tells a wrong secret from an unknown key', async () => {
      await environment.publish('orders', 1);
      const { keyId } = environment.prepared.gatewayKey;
      const gateway = await looked(environment.start({ keyId, secret: newGatewayKey().secret }));
      expect(gateway.log.at('error')[0]).toContain('does not open its entry in the key ring');
    });

    it('goes on as soon as the key is in the key ring', async () => {
      await environment.publish('orders', 1);
      const { keyId } = environment.prepared.gatewayKey;
      await environment.channel.writeKeyRing(new Map([[keyId, null]]));
      const gateway = await looked();
      expect(gateway.isReady).toBe(false);
      await environment.prepared.admit();
      await gateway.look();
      expect(gateway.isReady).toBe(true);
    });

    it('is not ready but serves its snapshot when its key was revoked', async () => {
      await environment.publish('orders', 1);
      await (await looked()).kill();
      await environment.channel.writeKeyRing(new Map([[environment.prepared.gatewayKey.keyId, null]]));
      const gateway = environment.start();
      await gateway.subscriber.restore();
      await gateway.look();
      expect([gateway.isReady, gateway.routes('/orders')]).toEqual([false, 'matched']);
      expect(gateway.subscriber.notReadyBecause).toBe('GATEWAY_KEY is not accepted: see the log');
    });
  });
});
