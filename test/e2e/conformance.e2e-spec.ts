import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Pool } from 'undici';
import { startHaproxyBefore, type HaproxyRelay } from '../conformance/haproxy-relay.ts';
import { DOCUMENT, GIBIBYTE, startNginx, type NginxUpstream } from '../conformance/nginx-upstream.ts';
import { runCurl } from '../conformance/run-curl.ts';
import { heldBy } from '../soak/resources.ts';
import { SoakUpstream } from '../soak/soak-upstream.ts';
import { obtainTools } from '../support/debian-tools.ts';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { proxyBody } from '../support/policies.ts';

const ENVIRONMENTS = ['production'];
/** What may come and go while a gibibyte passes; it would be more than ten times as much if bodies were kept. */
const MOST_GROWTH_MB = 80;

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A small answer with a trailer. */
const trailing = (): Server =>
  createServer((_request, response) => {
    response.writeHead(200, { trailer: 'x-checksum', 'content-type': 'text/plain' });
    response.write('all of it');
    response.addTrailers({ 'x-checksum': 'abc123' });
    response.end();
  });

describe('clients and servers that others wrote', () => {
  const tools = obtainTools(['curl', 'nginx', 'haproxy']);
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-conformance-'));
  const echo = new SoakUpstream();
  const trailers = trailing();
  let system: GatewardenSystem;
  let nginx: NginxUpstream;
  let behind: HaproxyRelay;
  let before: HaproxyRelay;
  let url: string;

  beforeAll(async () => {
    nginx = await startNginx(tools.nginx, path.join(directory, 'nginx'));
    behind = await startHaproxyBefore(tools.haproxy, directory, nginx.url);
    await new Promise<void>((resolve) => trailers.listen(0, '127.0.0.1', resolve));
    const gatewaySettings = { TRUSTED_PROXIES: '127.0.0.1' };
    system = await GatewardenSystem.start(ENVIRONMENTS, { gatewaysEach: 1, deployers: 0, gatewaySettings });
    ({ url } = system.gateway('production'));
    before = await startHaproxyBefore(tools.haproxy, directory, url);
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
    const addresses = {
      ...{ files: nginx.url, relayed: behind.url, echo: await echo.listen(), seen: system.upstreamUrl },
      trailing: `http://127.0.0.1:${(trailers.address() as AddressInfo).port}`,
    };
    for (const [name, address] of Object.entries(addresses)) {
      const body = proxyBody(name, `/${name}`, address, ENVIRONMENTS);
      const created = await system.api('POST', '/apiops/projects/demo/apiProxies/url/', body);
      expect([created.status, created.body.deploymentResult?.success]).toEqual([200, true]);
    }
  }, 120_000);

  afterAll(async () => {
    // Also when the set-up broke off before the rest was started.
    for (const relay of [before, behind, nginx] as (HaproxyRelay | NginxUpstream | undefined)[]) await relay?.stop();
    await system.stop();
    await echo.close();
    trailers.closeAllConnections();
    trailers.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const curl = (args: readonly string[], input?: Buffer) => runCurl(tools.curl, args, input);

  describe('curl', () => {
    it('is told to go on before it sends a large body', async () => {
      const body = randomBytes(5_000_000);
      const args = ['-v', '-H', 'Expect: 100-continue', '--data-binary', '@-', `${url}/echo/echo`];
      const { output, said } = await curl(args, body);
      expect(said).toContain('< HTTP/1.1 100 Continue');
      expect(JSON.parse(output.toString())).toMatchObject({ bytes: body.length, sha256: sha256(body) });
    });

    it('sends a body of unknown length', async () => {
      const body = randomBytes(1_000_000);
      const { output } = await curl(['-H', 'Transfer-Encoding: chunked', '-T', '-', `${url}/echo/echo`], body);
      expect(JSON.parse(output.toString())).toEqual({ method: 'PUT', bytes: body.length, sha256: sha256(body) });
    });

    it('gets the head alone when it asks for it', async () => {
      const { output, exitCode } = await curl(['-I', `${url}/files/document.json`]);
      expect(exitCode).toBe(0);
      expect(output.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(output.toString().toLowerCase()).toContain(`content-length: ${DOCUMENT.length}`);
    });

    it('gets a range', async () => {
      const { output, said } = await curl(['-v', '-r', '100-199', `${url}/files/document.json`]);
      expect(said).toContain('< HTTP/1.1 206 Partial Content');
      expect(said.toLowerCase()).toContain(`content-range: bytes 100-199/${DOCUMENT.length}`);
      expect(output.toString()).toBe(DOCUMENT.slice(100, 200));
    });

    it('gets trailers', async () => {
      const { output } = await curl(['--raw', '-H', 'TE: trailers', `${url}/trailing/1`]);
      expect(output.toString()).toBe('9\r\nall of it\r\n0\r\nx-checksum: abc123\r\n\r\n');
    });

    it('uses one connection for two requests', async () => {
      const { output, said } = await curl(['-v', `${url}/files/document.json`, `${url}/files/document.json`]);
      expect(said).toMatch(/Re-using existing connection/);
      expect(output.toString()).toBe(DOCUMENT + DOCUMENT);
    });

    it('asks by HTTP/1.0 and gets an answer without chunks', async () => {
      const { output, said } = await curl([
        '-v',
        '-0',
        '-H',
        'Accept-Encoding: gzip',
        `${url}/files/gzip/document.json`,
      ]);
      expect(said.toLowerCase()).not.toContain('transfer-encoding');
      expect(output.subarray(0, 2).toString('hex')).toBe('1f8b');
    });

    it('asks by HTTP/1.0 for what has a length, and keeps the connection if it says so', async () => {
      const args = ['-v', '-0', '-H', 'Connection: keep-alive', `${url}/files/document.json`];
      const { output, said, exitCode } = await curl(args);
      expect([exitCode, output.toString()]).toEqual([0, DOCUMENT]);
      expect(said).toMatch(/< HTTP\/1\.[01] 200 OK/);
    });
  });

  describe('undici', () => {
    it('sends bodies as streams and as a whole over a few connections, each answered with its own', async () => {
      const pool = new Pool(url, { connections: 4 });
      const asked = Array.from({ length: 40 }, async (_none, index) => {
        const body = randomBytes(1 + index * 7_000);
        const pieces = [body.subarray(0, 3), body.subarray(3)];
        const sent =
          index % 2 === 0
            ? body
            : (async function* () {
                yield* pieces;
              })();
        const answer = await pool.request({ path: '/echo/echo', method: 'POST', body: sent as Buffer });
        return [answer.statusCode, ((await answer.body.json()) as { sha256: string }).sha256 === sha256(body)];
      });
      expect(await Promise.all(asked)).toEqual(asked.map(() => [200, true]));
      await pool.close();
    });

    it('sends requests without waiting for answers, which come in their order', async () => {
      const pool = new Pool(url, { connections: 1, pipelining: 8 });
      const asked = Array.from({ length: 40 }, async (_none, index) => {
        const { body } = await pool.request({ path: `/seen/${index}?n=${index}`, method: 'GET' });
        return ((await body.json()) as { url: string }).url;
      });
      expect(await Promise.all(asked)).toEqual(asked.map((_none, index) => `/${index}?n=${index}`));
      await pool.close();
    });
  });

  describe.each(['files', 'relayed'])('nginx, by the proxy "%s"', (proxy) => {
    it('compresses in chunks', async () => {
      const { output, said } = await curl(['-v', '--compressed', `${url}/${proxy}/gzip/document.json`]);
      expect(said.toLowerCase()).toContain('< content-encoding: gzip');
      expect(said.toLowerCase()).toContain('< transfer-encoding: chunked');
      expect(output.toString()).toBe(DOCUMENT);
    });

    it('ends an answer with the connection', async () => {
      const { output, exitCode } = await curl(['--compressed', `${url}/${proxy}/until-close/document.json`]);
      expect([exitCode, output.toString()]).toEqual([0, DOCUMENT]);
    });

    it('says that nothing has changed', async () => {
      const etag = path.join(directory, `${proxy}.etag`);
      await curl(['--etag-save', etag, `${url}/${proxy}/document.json`]);
      const { output, said } = await curl(['-v', '--etag-compare', etag, `${url}/${proxy}/document.json`]);
      expect([said.includes('< HTTP/1.1 304 Not Modified'), output.length]).toEqual([true, 0]);
    });

    it('sends slowly', async () => {
      const { output } = await curl([`${url}/${proxy}/slowly/document.json`]);
      expect(output.toString()).toBe(DOCUMENT);
    });

    it('sends somewhere else, and the client is told so', async () => {
      const { said } = await curl(['-v', `${url}/${proxy}/moved/`]);
      expect(said).toContain('< HTTP/1.1 301 Moved Permanently');
    });
  });

  describe('HAProxy in front', () => {
    it('is believed about who the client is', async () => {
      const { output } = await curl(['-H', 'X-Request-Id: from-outside', `${before.url}/seen/1`]);
      const { headers } = JSON.parse(output.toString()) as { headers: Record<string, string> };
      expect(headers['x-forwarded-for']).toBe('127.0.0.1, 127.0.0.1');
      expect(headers['x-forwarded-proto']).toBe('http');
    });

    it('relays bodies both ways', async () => {
      const body = randomBytes(3_000_000);
      const { output } = await curl(['--data-binary', '@-', `${before.url}/echo/echo`], body);
      expect(JSON.parse(output.toString())).toMatchObject({ bytes: body.length, sha256: sha256(body) });
    });
  });

  describe('a gibibyte', () => {
    /** How much more the gateway held at most while something happened, in MB. */
    async function growthWhile<Value>(work: Promise<Value>): Promise<[Value, number]> {
      const { pid } = system.gateway('production').program;
      const startedWith = heldBy(pid).residentMb;
      let most = startedWith;
      const looking = setInterval(() => (most = Math.max(most, heldBy(pid).residentMb)), 20);
      const value = await work.finally(() => clearInterval(looking));
      return [value, most - startedWith];
    }

    it('comes from nginx without being kept', async () => {
      // Slower than nginx: what a gateway did not hold back, it would have to keep.
      const args = [
        '--limit-rate',
        '250M',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code} %{size_download}',
        `${url}/files/large.bin`,
      ];
      const [{ output }, growthMb] = await growthWhile(curl(args));
      expect(output.toString()).toBe(`200 ${GIBIBYTE}`);
      expect(growthMb).toBeLessThan(MOST_GROWTH_MB);
    }, 120_000);

    it('goes to an upstream without being kept', async () => {
      const file = path.join(directory, 'nginx', 'files', 'large.bin');
      const [{ output }, growthMb] = await growthWhile(curl(['-T', file, `${url}/echo/echo`]));
      expect(JSON.parse(output.toString())).toMatchObject({ method: 'PUT', bytes: GIBIBYTE });
      expect(growthMb).toBeLessThan(MOST_GROWTH_MB);
    }, 120_000);
  });
});
