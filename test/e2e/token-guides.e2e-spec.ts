import { readFileSync } from 'node:fs';
import path from 'node:path';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { PastedGuide } from '../support/pasted-guide.ts';

const GUIDES = ['docs/how-to/log-in-from-a-browser-app.md', 'docs/how-to/tokens-for-a-service.md'] as const;

/** What a guide says that its blocks print, in order. */
function printedBy(guide: string): string {
  const text = readFileSync(path.resolve(import.meta.dirname, '../..', guide), 'utf8');
  const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  return blocks.map(([, language, content = '']) => (language === '' ? content : '')).join('');
}

describe('the guides to the token service', () => {
  const guides = GUIDES.map((name) => ({ name, guide: new PastedGuide(name) }));
  let system: GatewardenSystem;

  beforeAll(async () => {
    system = await GatewardenSystem.start(['production'], { gatewaysEach: 2, deployers: 0 });
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
  }, 120_000);

  afterAll(async () => {
    for (const { guide } of guides) guide.end();
    await system.stop();
  });

  it.each(guides)(
    '$name: its blocks, pasted as they stand, print what it says',
    async ({ name, guide }) => {
      const gateway = system.gateway('production');
      const output = await guide.paste({
        APIOPS: `${system.controlPlaneUrl}/apiops`,
        GATEWAY: gateway.url,
        METRICS: `${gateway.adminUrl}/metrics`,
        UPSTREAM: system.upstreamUrl,
        ADMIN: `Authorization: Bearer ${system.adminToken}`,
        JSON: 'Content-Type: application/json',
        P: `${system.controlPlaneUrl}/apiops/projects/demo`,
        ORIGIN: 'https://notes.example',
      });
      expect(output).toBe(printedBy(name));
    },
    120_000,
  );
});
