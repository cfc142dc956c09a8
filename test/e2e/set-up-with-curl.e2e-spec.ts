import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { type RunningServer } from '#libs/embedded-servers';
import { ChildProgram } from '../support/child-program.ts';
import { freePortsInARow } from '#libs/program-shell/testing';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { until } from '../support/until.ts';

const HOW_TO = path.resolve(import.meta.dirname, '../../docs/how-to/set-up-everything-with-curl');

/** What the lines do; remarks are the guide's own on either side. */
const instructions = (text: string): string[] =>
  text.split('\n').filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));

describe('docs/how-to/set-up-everything-with-curl', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-curl-'));
  const keyFile = path.join(directory, 'gateway.key');
  let system: GatewardenSystem;
  let redis: RunningServer;
  let gateway: ChildProgram | undefined;

  interface Run {
    readonly child: ChildProcess;
    output: string;
    errors: string;
  }

  function runScript(settings: Readonly<Record<string, string>>): Run {
    const child = spawn('bash', [`${HOW_TO}.sh`], {
      cwd: directory,
      env: {
        PATH: process.env['PATH'] ?? '',
        APIOPS: `${system.controlPlaneUrl}/apiops`,
        UPSTREAM: system.upstreamUrl,
        ENVIRONMENT_REDIS_URL: redis.url,
        GATEWAY_KEY_FILE: keyFile,
        ADMIN_TOKEN: system.adminToken,
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const run: Run = { child, output: '', errors: '' };
    child.stdout.on('data', (data: Buffer) => (run.output += data.toString('utf8')));
    child.stderr.on('data', (data: Buffer) => (run.errors += data.toString('utf8')));
    return run;
  }

  /** What whoever follows the guide does when it asks for a gateway. */
  function startGateway(ports: { port: number; adminPort: number }): ChildProgram {
    const program = new ChildProgram('apps/gateway/src/main.js', {
      GATEWAY_ENVIRONMENT: 'production',
      GATEWAY_KEY: readFileSync(keyFile, 'utf8').trim(),
      REDIS_URL: redis.url,
      HOST: '127.0.0.1',
      PORT: String(ports.port),
      ADMIN_PORT: String(ports.adminPort),
      GATEWAY_ID: 'curl-1',
      SNAPSHOT_DIR: path.join(directory, 'snapshots'),
    });
    program.start();
    return program;
  }

  beforeAll(async () => {
    system = await GatewardenSystem.start([]);
    redis = await system.redis('production');
  }, 120_000);

  afterAll(async () => {
    await gateway?.signal('SIGTERM');
    await system.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('sets up everything from nothing, uses it, changes it and goes back', async () => {
    const [port = 0, adminPort = 0] = await freePortsInARow(2);
    const run = runScript({ GATEWAY: `http://127.0.0.1:${port}` });
    const exited = once(run.child, 'exit');
    await until('the script has written the gateway key', async () => {
      if (run.child.exitCode !== null) throw new Error(`${run.output}\n${run.errors}`);
      return existsSync(keyFile) && readFileSync(keyFile, 'utf8').endsWith('\n');
    });
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    // As a gateway answers that has no configuration yet.
    const unready = createServer((_request, response) => response.writeHead(503).end('{"fault":{}}'));
    unready.listen(port, '127.0.0.1');
    await once(unready, 'request');
    unready.close();
    gateway = startGateway({ port, adminPort });
    const [code] = (await exited) as [number];
    if (code !== 0) throw new Error(`${run.errors}\nwhat the gateway printed:\n${gateway.output}`);
    expect(run.errors).toBe('');
    expect(run.output).toMatch(/^deployment \d+: Deployment successful/m);
    const at = `http://127.0.0.1:${port}`;
    const answers = [...run.output.matchAll(/^(\S+) answers (\d+)$/gm)].map(([, url, status]) => `${url} ${status}`);
    expect(answers).toEqual([
      ...[`${at}/orders/items/7 200`, `${at}/partners/7 200`],
      ...[`${at}/orders/items/7 401`, `${at}/partners/7 401`],
    ]);
    const lives = [...run.output.matchAll(/^tokens live (\d+) seconds$/gm)].map(([, seconds]) => seconds);
    expect(lives).toEqual(['300', '3600']);
    expect(run.output).toContain('"type":"RolledBack"');
    expect(run.output).toMatch(/everything is set up\n$/);
  }, 180_000);

  it('stops at once with the answer when a call does not succeed', async () => {
    const events = async () => (await system.api('GET', '/apiops/projects/')).body.resultList;
    const before = await events();
    const run = runScript({ ADMIN_TOKEN: 'not-a-token', GATEWAY: 'http://127.0.0.1:1' });
    const [code] = (await once(run.child, 'exit')) as [number];
    expect(code).toBe(1);
    expect(run.errors).toMatch(/^POST \/projects\/ failed: \{.*"error":"unauthorized_client".*\}\n401\n$/s);
    expect(await events()).toEqual(before);
  });

  it('explains the very lines that the script has', () => {
    const guide = readFileSync(`${HOW_TO}.md`, 'utf8');
    const blocks = [...guide.matchAll(/^```bash\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
    expect(blocks.length).toBeGreaterThan(5);
    expect(instructions(blocks.join('\n'))).toEqual(instructions(readFileSync(`${HOW_TO}.sh`, 'utf8')));
  });
});
