import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { PastedGuide } from '../support/pasted-guide.ts';

describe('docs/how-to/bring-an-apigee-policy', () => {
  const guide = new PastedGuide('docs/how-to/bring-an-apigee-policy.md');
  let system: GatewardenSystem;

  beforeAll(async () => {
    system = await GatewardenSystem.start(['production'], { gatewaysEach: 1, deployers: 0 });
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
  }, 120_000);

  afterAll(async () => {
    guide.end();
    await system.stop();
  });

  it('lets its blocks be pasted as they stand', async () => {
    const project = `${system.controlPlaneUrl}/apiops/projects/demo`;
    const output = await guide.paste({
      APIOPS: `${system.controlPlaneUrl}/apiops`,
      GATEWAY: system.gateway('production').url,
      UPSTREAM: system.upstreamUrl,
      ADMIN: `Authorization: Bearer ${system.adminToken}`,
      JSON: 'Content-Type: application/json',
      P: project,
      SHOW: `${project}/apiProxies/show`,
    });
    const [variable = '', deployed = '', ...answers] = output.trimEnd().split('\n');
    expect(variable).toMatch(/^\{"success":true,"status":"SUCCESS"/);
    expect(deployed).toMatch(/"message":"Deployment successful","gateways":\{"live":1,"applied":1/);
    expect(answers.slice(0, -1)).toEqual([
      '200',
      expect.stringContaining('steps.jwt.JwtIssuerMismatch'),
      '401',
      expect.stringContaining('steps.jwt.FailedToResolveVariable'),
      '401',
      '{"error": "monty-pythons-flying-circus is no editor"}',
      '403',
      '200',
    ]);
    const codes = [...(answers.at(-1) ?? '').matchAll(/"code":"(\w+)"/g)].map(([, code]) => code);
    expect(codes).toEqual(['MissingConfigurationElement', 'InvalidEmptyElement', 'InvalidNameForAdditionalClaim']);
  }, 120_000);
});
