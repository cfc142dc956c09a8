import { createSecretKey } from 'node:crypto';
import { Registry } from 'prom-client';
import { compileSigner, compileVerifier, VerifiedTokens } from '#libs/jwt-engine';
import { observeTokenCache } from './token-cache-metrics.ts';

async function valuesOf(registry: Registry): Promise<Record<string, number | undefined>> {
  const metrics = await registry.getMetricsAsJSON();
  return Object.fromEntries(
    metrics.map(({ name, values }) => [name.replace('gatewarden_token_cache_', ''), values[0]?.value]),
  );
}

describe('the metrics of remembered tokens', () => {
  it('say what became of them, each time they are read', async () => {
    const registry = new Registry();
    const verifiedTokens = new VerifiedTokens({ entries: 2, bytes: 1_000_000 });
    observeTokenCache(registry, verifiedTokens);
    const key = createSecretKey(Buffer.alloc(32, 1));
    const sign = compileSigner({ algorithm: 'HS256', key });
    const verify = compileVerifier({ algorithms: ['HS256'], key, verifiedTokens });
    const [a = '', b = '', c = ''] = ['a', 'b', 'c'].map((sub) => sign({ sub }));
    const forged = `${a.slice(0, a.lastIndexOf('.'))}${b.slice(b.lastIndexOf('.'))}`;
    for (const token of [a, a, b, c, c, forged, forged]) verify(token, 0);
    const expected = { hits_total: 1, misses_total: 5, repeated_refusals_total: 1, evictions_total: 1, entries: 2 };
    expect(await valuesOf(registry)).toEqual({ ...expected, bytes: verifiedTokens.counts.bytes });
    expect(await valuesOf(registry)).toMatchObject(expected);
    expect(verifiedTokens.counts.bytes).toBeGreaterThan(1_000);
  });

  it('are zero when none is remembered', async () => {
    const registry = new Registry();
    observeTokenCache(registry, undefined);
    expect(new Set(Object.values(await valuesOf(registry)))).toEqual(new Set([0]));
  });
});
