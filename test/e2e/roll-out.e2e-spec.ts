import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePortsInARow } from '#libs/program-shell/testing';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { PastedGuide } from '../support/pasted-guide.ts';

describe('docs/how-to/roll-out', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-roll-out-'));
  let system: GatewardenSystem;
  const guide = new PastedGuide('docs/how-to/roll-out.md');

  beforeAll(async () => {
    system = await GatewardenSystem.start(['production'], { gatewaysEach: 2, deployers: 0, hasOneRedis: true });
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
  }, 120_000);

  afterAll(async () => {
    guide.end();
    await system.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('lets its blocks be pasted as they stand', async () => {
    const [port = 0, adminPort = 0] = await freePortsInARow(2);
    const dataDir = path.join(directory, 'data');
    mkdirSync(dataDir);
    const script = guide.script
      .replaceAll('=8090 ', `=${port} `)
      .replaceAll('=9100 ', `=${adminPort} `)
      .replaceAll('127.0.0.1:8090', `127.0.0.1:${port}`)
      .replaceAll('127.0.0.1:9100', `127.0.0.1:${adminPort}`)
      .replaceAll('.data/', `${dataDir}/`);
    const project = `${system.controlPlaneUrl}/apiops/projects/demo`;
    const settings = {
      APIOPS: `${system.controlPlaneUrl}/apiops`,
      GATEWAY: system.gateway('production').url,
      UPSTREAM: system.upstreamUrl,
      REDIS_URL: system.queue.url,
      ADMIN: `Authorization: Bearer ${system.adminToken}`,
      JSON: 'Content-Type: application/json',
      P: project,
      PARCELS: `${project}/apiProxies/parcels`,
    };
    const output = await guide.paste(settings, script);
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
