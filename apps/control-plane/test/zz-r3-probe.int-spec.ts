import { policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

let plane: RunningControlPlane;
afterAll(() => plane.close());
const X = '/projects/shop/apiProxies/orders';
it('probe', async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 1000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
  await plane.done('POST', `${X}/policies/a/`, policyBody());
  const env = await plane.environment();
  const out: unknown[] = [];
  const show = async (m: 'GET' | 'POST', p: string, b?: unknown, h?: Record<string, string>) => {
    const a = await plane.call(m, p, b, h);
    out.push(`${m} ${p} ${a.status} ${a.text.slice(0, 300)}`);
  };
  for (const q of ['after=999999999999999', 'after=2147483647', 'after=2147483646','after=2147483648', 'after=2147483600&limit=1000','after=3', 'after=2', 'limit=1000']) {
    await show('GET', `${X}/events/?${q}`);
    await show('GET', `${X}/revisions/?${q}`);
  }
  for (const r of ['0', '3', '2147483647', '2147483648', '999999999999999', '9999999999999999', '2147483600', '%32', '02', '٣']) {
    await show('GET', `${X}/revisions/${r}/`);
    await show('POST', `${X}/revisions/${r}/rollback/`, {deploy: false});
  }
  for (const q of ['to=2147483648', 'from=999999999999999&to=2', 'from=2147483647', 'from=2&to=1', 'from=0&to=2147483647', 'from=&to=']) await show('GET', `${X}/diff/?${q}`);
  for (const t of ['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+23:59', '9999-12-31T23:59:59-23:59', '9999-12-31T23:59:59Z', '2026-02-30T00:00:00Z', '2026-01-01T00:00Z', '2026-01-01T00:00:00', '2026-01-01t00:00:00z', '2999-01-01T00:00:00.1234567Z'])
    await show('GET', `${X}/?at=${t}`);
  for (const d of ['999999999999999', '0', '9223372036854775807']) {
    await show('GET', `${X}/deploy-histories/${d}/?environmentName=${env.name}`);
    await show('POST', `${X}/deploy-histories/${d}/rollback/?environmentName=${env.name}`);
  }
  await show('GET', `${X}/deploy-histories/?environmentName=${env.name}&before=999999999999999`);
  await show('GET', `${X}/deploy-histories/?environmentName=${env.name}&before=0`);
  await show('GET', `${X}/?at=2999-01-01T00:00:00Z&x=1`);
  await show('POST', `${X}/revisions/1/rollback/`, { deploy: true, deployTargetEnvironmentNameList: [env.name, env.name] });
  await show('POST', `${X}/revisions/1/rollback/`, { deploy: true, deployTargetEnvironmentNameList: [] });
  await show('POST', `${X}/revisions/1/rollback/`, { description: 'why I did it' }, { 'if-match': '"5"' });
  await show('POST', `${X}/revisions/4/rollback/`, { description: 'why I did it' }, { 'if-match': '"4"' });
  await show('POST', `${X}/revisions/5/rollback/`, { description: 'why I did it' });
  await show('GET', `${X}/events/?after=3`);
  (await import('node:fs')).writeFileSync('/tmp/h/r3/probe.txt', out.join('\n'));
}, 60000);
