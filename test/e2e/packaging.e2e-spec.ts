import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { portsOf } from '../support/packaging/compose-file.ts';
import { ComposeRun } from '../support/packaging/compose-run.ts';
import { ROOT } from '../support/packaging/declared-settings.ts';
import { filesBelow } from '../support/packaging/image-directory.ts';
import { proxyBody } from '../support/policies.ts';

const GATEWAYS = ['staging-1', 'staging-2', 'production-1', 'production-2'];
const BOTH = ['staging', 'production'];

describe('the services of docker-compose.yml, started as processes of this machine', () => {
  const run = new ComposeRun();

  beforeAll(async () => run.up(), 400_000);
  afterAll(async () => run.stop(), 60_000);

  /** A port of a service as it is published. */
  const urlOf = (name: string, which = 0): string =>
    `http://${run.addressOf(name)}:${portsOf(run.service(name))[which]?.inner}`;

  async function apiops(method: string, callPath: string, body?: object): Promise<any> {
    const headers = { authorization: `Bearer ${run.secret('admin-token')}`, 'content-type': 'application/json' };
    const options = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`${urlOf('control-plane')}/apiops${callPath}`, { method, headers, ...options });
    expect([callPath, answer.status]).toEqual([callPath, 200]);
    return answer.json();
  }

  it('take a first proxy, which all four gateways serve', async () => {
    await apiops('POST', '/projects/', { name: 'demo' });
    const upstream = run.withAddresses('http://sample-upstream:4000');
    const body = proxyBody('hello', '/hello', upstream, BOTH);
    const { deploymentResult } = await apiops('POST', '/projects/demo/apiProxies/url/', body);
    expect(deploymentResult.deploymentResults).toHaveLength(2);
    for (const environmentName of BOTH) {
      const expected = { environmentName, success: true, gateways: { live: 2, applied: 2, rejected: 0, pending: 0 } };
      expect(deploymentResult.deploymentResults).toContainEqual(expect.objectContaining(expected));
    }
    for (const name of GATEWAYS) {
      const answer = await fetch(`${urlOf(name)}/hello/world`);
      expect([name, answer.status]).toEqual([name, 200]);
      expect(await answer.json()).toMatchObject({ service: 'sample upstream', url: '/world' });
    }
  });

  it('say their names and what they serve on their admin ports', async () => {
    for (const name of GATEWAYS) {
      const config = (await (await fetch(`${urlOf(name, 1)}/config`)).json()) as object;
      expect(config).toMatchObject({ environment: name.split('-')[0], proxies: [{ project: 'demo', name: 'hello' }] });
    }
    const { resultList } = await apiops('GET', '/environments/production/gateways/');
    expect(JSON.stringify(resultList)).toContain('"production-2"');
  });

  it('are scraped where prometheus.yml says', async () => {
    const { scrape_configs: jobs } = parse(readFileSync(path.join(ROOT, 'deploy/prometheus/prometheus.yml'), 'utf8'));
    const targets = (jobs as any[])
      .flatMap((job) => job.static_configs)
      .flatMap((config) => config.targets as string[]);
    expect(targets).toHaveLength(6);
    for (const target of targets) {
      const answer = await fetch(`http://${run.withAddresses(target)}/metrics`);
      expect([target, answer.status]).toEqual([target, 200]);
      expect(await answer.text()).toContain('# TYPE gatewarden_');
    }
  });

  it('keep an environment and its key when they are started again', async () => {
    const before = await apiops('GET', '/environments/staging/keys/');
    await run.runAgain('create-staging');
    expect(run.outputOf('create-staging')).toBe('environment staging: is there, and so is its key\n');
    expect(await apiops('GET', '/environments/staging/keys/')).toEqual(before);
  });

  it('have the commands of the operator where the page says', async () => {
    const page = readFileSync(path.join(ROOT, 'docs/how-to/run-the-programs.md'), 'utf8');
    const [, command = ''] = /`docker compose exec control-plane (node \S+\/audit-verify\.main\.js)`/.exec(page) ?? [];
    const verified = await run.execute('control-plane', command.split(' '));
    expect(verified).toMatchObject({ code: 0, output: expect.stringContaining('History is as it was recorded') });
    const [, directory = ''] = /^node (.*)\/[^/]*$/.exec(command) ?? [];
    const commands = [...new Set(page.match(/[a-z-]+\.main\.js/g) ?? [])];
    expect(commands).toHaveLength(4);
    for (const file of commands)
      expect([file, existsSync(path.join(run.image, directory, file))]).toEqual([file, true]);
    const manifest = JSON.parse(readFileSync(path.join(run.image, 'package.json'), 'utf8')) as { version: string };
    for (const name of ['control-plane', 'deployer', 'production-1']) {
      const asked = await run.execute(name, [...(run.service(name).command ?? []), '--version']);
      expect([name, asked]).toEqual([name, { code: 0, output: `${manifest.version}\n` }]);
    }
  });

  it('have no secret in their environment, and none in what they print', () => {
    const secrets = run.secretNames.filter((name) => !name.endsWith('.acl')).map((name) => run.secret(name));
    expect(secrets.length).toBeGreaterThan(7);
    const environments = run.pids.map((pid) => readFileSync(`/proc/${pid}/environ`, 'utf8'));
    expect(environments.length).toBeGreaterThan(6);
    const printed = run.names.map((name) => run.outputOf(name));
    for (const secret of secrets) {
      expect([...environments, ...printed].some((text) => text.includes(secret))).toBe(false);
    }
  });

  it('write nothing but their volumes', () => {
    expect(run.filesOfImage.length).toBeGreaterThan(500);
    expect(filesBelow(run.image)).toEqual(run.filesOfImage);
    expect(filesBelow(run.temporary)).toEqual([]);
  });
});
