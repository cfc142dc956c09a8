import { readFileSync } from 'node:fs';
import path from 'node:path';
import { exchangeRaw, WAYS_TO_SEND } from '../conformance/raw-exchange.ts';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { proxyBody } from '../support/policies.ts';

interface Http1Case {
  readonly name: string;
  /** What says so. */
  readonly rule: string;
  /** The bytes, one for each character; `{path}` is the case's own. */
  readonly request: string;
  /** `broken off`: its body is wrong, and so its head may have gone on before that shows. */
  readonly outcome: 'forwarded' | 'refused' | 'broken off';
  /** How many requests it is, where it is not refused. */
  readonly requests?: number;
}

const CASES = JSON.parse(
  readFileSync(path.resolve(import.meta.dirname, '../fixtures/http1-cases.json'), 'utf8'),
) as Http1Case[];
const FIRST = 'GET /seen/before HTTP/1.1\r\nHost: gateway.example\r\n\r\n';

describe('requests byte by byte', () => {
  let system: GatewardenSystem;
  let port: number;
  let count = 0;

  beforeAll(async () => {
    system = await GatewardenSystem.start(['production'], { gatewaysEach: 1, deployers: 0 });
    port = Number(new URL(system.gateway('production').url).port);
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
    const body = proxyBody('seen', '/seen', system.upstreamUrl, ['production']);
    const created = await system.api('POST', '/apiops/projects/demo/apiProxies/url/', body);
    expect(created.body.deploymentResult?.success).toBe(true);
  }, 120_000);

  afterAll(() => system.stop());

  /** What came of a case: statuses in the order of the answers, and paths (sorted) that the upstream saw, after the case's own. */
  async function outcomeOf({ request }: Http1Case, way: (typeof WAYS_TO_SEND)[number]) {
    count += 1;
    const own = `/case-${count}`;
    const answers = await exchangeRaw(port, { bytes: request.replaceAll('{path}', `/seen${own}`), way, first: FIRST });
    const statuses = [...answers.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
    const seen = system.upstream.seen.map(({ url }) => url).filter((url) => url === own || url.startsWith(`${own}/`));
    return { statuses, seen: seen.map((url) => url.slice(own.length)).sort() };
  }

  describe.each(WAYS_TO_SEND)('sent %s', (way) => {
    it.each(CASES.filter(({ outcome }) => outcome === 'forwarded'))('goes on: $name ($rule)', async (one) => {
      const { statuses, seen } = await outcomeOf(one, way);
      expect(statuses).toEqual(Array.from({ length: one.requests ?? 1 }, () => 200));
      expect(seen).toEqual(one.requests === 2 ? ['', '/first'] : ['']);
    });

    it.each(CASES.filter(({ outcome }) => outcome === 'refused'))('is refused: $name ($rule)', async (one) => {
      const { statuses, seen } = await outcomeOf(one, way);
      expect(seen).toEqual([]);
      expect(statuses).toHaveLength(1);
      expect([400, 405, 501, 505]).toContain(statuses[0]);
    });

    it.each(CASES.filter(({ outcome }) => outcome === 'broken off'))('is no more than: $name ($rule)', async (one) => {
      const { statuses, seen } = await outcomeOf(one, way);
      expect(seen.filter((url) => url !== '')).toEqual([]);
      expect(statuses.filter((status) => status < 400)).toEqual([]);
    });
  });
});
