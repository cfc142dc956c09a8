import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePortsInARow } from '../support/free-ports.ts';
import { GatewardenSystem } from '../support/gatewarden-system.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Longer than any of its loops waits, also while the whole suite runs on few cores. */
const OVER_WITHIN_MS = 100_000;
const HOW_TO = path.join(ROOT, 'docs/how-to/roll-out.md');

/** Blocks that the guide says can be pasted; the first one holds the reader's own addresses. */
const blocks = (): string[] =>
  [...readFileSync(HOW_TO, 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');

describe('docs/how-to/roll-out', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-roll-out-'));
  let system: GatewardenSystem;
  let shell: ChildProcess | undefined;

  beforeAll(async () => {
    system = await GatewardenSystem.start(['production'], { gatewaysEach: 2, deployers: 0, hasOneRedis: true });
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
  }, 120_000);

  afterAll(async () => {
    // With the gateway that a block leaves running when a later one fails.
    if (shell?.pid !== undefined)
      try {
        process.kill(-shell.pid, 'SIGKILL');
      } catch {
        // nothing was left
      }
    await system.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  /** With this run's addresses, and the folder of this run for what the blocks write. */
  async function paste(script: string, settings: Readonly<Record<string, string>>): Promise<string> {
    const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...settings };
    shell = spawn('bash', ['-c', `set -m\n${script}`], {
      cwd: ROOT,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    shell.stdout?.on('data', (data: Buffer) => (output += data.toString('utf8')));
    shell.stderr?.on('data', (data: Buffer) => (output += data.toString('utf8')));
    const isOver = await Promise.race([
      once(shell, 'close').then(() => true),
      new Promise<false>((resolve) => setTimeout(() => resolve(false), OVER_WITHIN_MS).unref()),
    ]);
    if (!isOver) throw new Error(`not over after ${OVER_WITHIN_MS} ms:\n${output}`);
    return output;
  }

  it('lets its blocks be pasted as they stand', async () => {
    const [port = 0, adminPort = 0] = await freePortsInARow(2);
    const dataDir = path.join(directory, 'data');
    mkdirSync(dataDir);
    const script = blocks()
      .slice(1)
      .join('\n')
      .replaceAll('=8090 ', `=${port} `)
      .replaceAll('=9100 ', `=${adminPort} `)
      .replaceAll('127.0.0.1:8090', `127.0.0.1:${port}`)
      .replaceAll('127.0.0.1:9100', `127.0.0.1:${adminPort}`)
      .replaceAll('.data/', `${dataDir}/`);
    const project = `${system.controlPlaneUrl}/apiops/projects/demo`;
    const output = await paste(script, {
      APIOPS: `${system.controlPlaneUrl}/apiops`,
      GATEWAY: system.gateway('production').url,
      UPSTREAM: system.upstreamUrl,
      REDIS_URL: system.queue.url,
      ADMIN: `Authorization: Bearer ${system.adminToken}`,
      JSON: 'Content-Type: application/json',
      P: project,
      PARCELS: `${project}/apiProxies/parcels`,
    });
    expect(output).toMatch(/"gatewayId":"staging-1".*"inSync":true/);
    expect(output).toMatch(
      /"message":"Deployment successful".*"deploymentId":"staging:1"[^]*^staging 401\nproduction 404$/m,
    );
    expect(output).toMatch(/"code":"no_key_for_environment".*production \(policy jwt\)/);
    expect(output).toMatch(/"environmentName":"production","success":true.*"revision":2[^]*^production 401$/m);
    expect(output).toMatch(/^event: settled\n.*"state":"finished".*"environmentName":"production","success":true/m);
    expect(output).toMatch(/"inconsistent":false.*\n.*"isBeingRepaired":false,"findingCount":0/);
    expect(output).toMatch(/^OK\nproduction 401\n.*"description":"Published again.*"state":"succeeded"/m);
    expect(output).toMatch(/"message":"Undeployment successful"[^]*^production 404$/m);
  }, 120_000);
});
