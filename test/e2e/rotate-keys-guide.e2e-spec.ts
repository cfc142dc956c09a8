import { freePortsInARow } from '#libs/program-shell/testing';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { PastedGuide } from '../support/pasted-guide.ts';

/** Times and ages differ from run to run, and so does which gateway asked the provider; what is left does not. */
const isTheSameInEveryRun = (line: string): boolean => !/^(gatewarden_|\{"rotationId"|\[\{"at")/.test(line);

describe('docs/how-to/rotate-keys', () => {
  const guide = new PastedGuide('docs/how-to/rotate-keys.md');
  let system: GatewardenSystem;

  beforeAll(async () => {
    const gatewaySettings = { JWKS_ALLOW_PRIVATE_HOSTS: 'true' };
    system = await GatewardenSystem.start(['production'], { gatewaysEach: 2, deployers: 0, gatewaySettings });
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
  }, 120_000);

  afterAll(async () => {
    guide.end();
    await system.stop();
  });

  it('lets its blocks be pasted as they stand', async () => {
    const [providerPort = 0] = await freePortsInARow(1);
    const gateway = system.gateway('production');
    const output = await guide.paste({
      APIOPS: `${system.controlPlaneUrl}/apiops`,
      GATEWAY: gateway.url,
      METRICS: `${gateway.adminUrl}/metrics`,
      UPSTREAM: system.upstreamUrl,
      ADMIN: `Authorization: Bearer ${system.adminToken}`,
      JSON: 'Content-Type: application/json',
      P: `${system.controlPlaneUrl}/apiops/projects/demo`,
      PROVIDER_PORT: String(providerPort),
    });
    const lines = output.trimEnd().split('\n');
    const obeyed = 'All 2 live gateways obey it {"live":2,"obeying":2,"pending":0}';
    expect(lines.filter(isTheSameInEveryRun)).toEqual([
      ...['200', 'tickets-1', 'tickets-1 tickets-2', 'tickets-1'],
      expect.stringMatching(/^retiring: it waits until \S+Z, when .* has expired; longest token 600 s$/),
      ...['admin started', 'deployer published', 'deployer switched', 'deployer acknowledged'].map((step) =>
        expect.stringMatching(new RegExp(`^\\S+Z ${step}$`)),
      ),
      ...['tickets-2', '200', '200', expect.stringMatching(/^not waited for any longer: paused/), '401', '200'],
      ...[expect.stringMatching(/^Deployment successful \[/), '200', '2 keys', '200', '200'],
      ...[obeyed, '401', '200', '1 forgotten', obeyed, '200', '401', '200'],
    ]);
    expect(output).toMatch(/^gatewarden_key_rotations\{stage="retiring"\} 1$/m);
    expect(output).toMatch(/^\[\{"at":.*"kid":"idp-1".*"reason":"found in a repository"\}\]$/m);
  }, 120_000);
});
