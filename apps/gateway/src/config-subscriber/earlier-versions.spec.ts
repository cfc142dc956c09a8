import { readFileSync } from 'node:fs';
import { parseProxyArtifact } from '#libs/policy-contracts';
import { EnvironmentUnderTest } from './testing/subscriber-rig.ts';

/** As the first version compiled it, with every kind of policy that it had: never to be changed. */
const FIRST = readFileSync(new URL('testing/artifact-of-the-first-version.json', import.meta.url), 'utf8');

describe('an artifact of the first version', () => {
  it('asks for no header, takes turns by weight, speaks no CORS and has no error template', () => {
    const parsed = parseProxyArtifact(JSON.parse(FIRST));
    const artifact = parsed.ok ? parsed.value : undefined;
    expect(artifact?.route).toEqual({ hosts: ['*.example.org'], methods: ['GET'], paths: ['/orders'], headers: [] });
    expect(artifact?.upstream.loadBalance).toBe('ROUND_ROBIN');
    expect([artifact?.cors, artifact?.jsonErrorTemplate]).toEqual([undefined, undefined]);
  });

  it('is served from a snapshot, without Redis, by this one', async () => {
    const environment = await EnvironmentUnderTest.create();
    try {
      await environment.publish('orders', 1, FIRST);
      const before = environment.start();
      await before.look();
      await before.kill();
      environment.channel.isAway = true;
      const gateway = environment.start();
      await gateway.subscriber.restore();
      expect([gateway.served, gateway.isReady]).toEqual([['orders'], true]);
      const proxy = gateway.active.current?.proxies.get('id-of-orders')?.linked;
      expect(proxy?.issuers.map(({ policyName }) => policyName)).toEqual(['issue']);
      expect(proxy?.matchEndpoint('GET', '/users/7').kind).toBe('matched');
    } finally {
      await environment.dispose();
    }
  });
});
