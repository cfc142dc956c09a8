import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { WebSocket, WebSocketServer } from 'ws';
import { startHaproxyPassing, type HaproxyRelay } from '../conformance/haproxy-relay.ts';
import { DOCUMENT, startNginx, type NginxUpstream } from '../conformance/nginx-upstream.ts';
import { runCurl } from '../conformance/run-curl.ts';
import { SoakUpstream } from '../soak/soak-upstream.ts';
import { obtainTools } from '../support/debian-tools.ts';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { proxyBody } from '../support/policies.ts';

const ENVIRONMENTS = ['production'];
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('curl by TLS, with a PROXY header before it', () => {
  const tools = obtainTools(['curl', 'nginx', 'haproxy', 'openssl']);
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-conformance-'));
  const [certFile, keyFile] = [path.join(directory, 'cert.pem'), path.join(directory, 'key.pem')];
  const echo = new SoakUpstream();
  const live = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  let system: GatewardenSystem;
  let nginx: NginxUpstream;
  let passing: HaproxyRelay;
  let port: string;

  beforeAll(async () => {
    const made = spawnSync(tools.openssl, [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', keyFile, '-out', certFile],
    ]);
    expect([made.status, made.stderr.toString()]).toEqual([0, expect.any(String)]);
    nginx = await startNginx(tools.nginx, path.join(directory, 'nginx'));
    const tls = { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile, PROXY_PROTOCOL: 'true' };
    const gatewaySettings = (number: number) => (number === 1 ? tls : { ...tls, WORKERS: '2' });
    system = await GatewardenSystem.start(ENVIRONMENTS, { gatewaysEach: 2, deployers: 0, gatewaySettings });
    const { url } = system.gateway('production');
    ({ port } = new URL(url));
    passing = await startHaproxyPassing(tools.haproxy, directory, url);
    await system.api('POST', '/apiops/projects/', { name: 'demo' });
    live.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    const liveUrl = `http://127.0.0.1:${(live.address() as AddressInfo).port}`;
    const addresses = { files: nginx.url, echo: await echo.listen(), seen: system.upstreamUrl, live: liveUrl };
    for (const [name, address] of Object.entries(addresses)) {
      const body = proxyBody(name, `/${name}`, address, ENVIRONMENTS);
      const created = await system.api('POST', '/apiops/projects/demo/apiProxies/url/', body);
      expect([created.status, created.body.deploymentResult?.success]).toEqual([200, true]);
    }
  }, 120_000);

  afterAll(async () => {
    // Also when the set-up broke off before the rest was started.
    for (const relay of [passing, nginx] as (HaproxyRelay | undefined)[]) await relay?.stop();
    await system.stop();
    await echo.close();
    live.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Straight to the gateway: curl writes the PROXY header itself (version 1). */
  const direct = (args: readonly string[], input?: Buffer) =>
    runCurl(tools.curl, ['--cacert', certFile, '--haproxy-protocol', ...args], input);
  const at = (urlPath: string, where = port) => `https://localhost:${where}${urlPath}`;

  describe.each(['--http1.1', '--http2'])('with %s', (version) => {
    const answered = `${version === '--http2' ? '2' : '1.1'} 200`;

    it('gets a document', async () => {
      const args = [version, '-w', '%{stderr}%{http_version} %{http_code}', at('/files/document.json')];
      const { output, said } = await direct(args);
      expect([said, output.toString()]).toEqual([answered, DOCUMENT]);
    });

    it('gets many over one connection', async () => {
      const urls = Array.from({ length: 30 }, (_none, index) => at(`/seen/${index}`));
      const many = [
        '-Z',
        '--no-progress-meter',
        '--parallel-max',
        '10',
        '-w',
        '%{stderr}%{http_version} %{http_code} %{num_connects}\n',
      ];
      const { said, output } = await direct([version, ...(version === '--http2' ? many : many.slice(4)), ...urls]);
      const answers = said
        .trim()
        .split('\n')
        .filter((line) => line.startsWith(answered));
      expect(answers).toHaveLength(urls.length);
      expect(output.toString().match(/"url":"\/\d+"/g)).toHaveLength(urls.length);
    });

    it('sends a large body', async () => {
      const body = randomBytes(4_000_000);
      const { output } = await direct([version, '--data-binary', '@-', at('/echo/echo')], body);
      expect(JSON.parse(output.toString())).toMatchObject({ bytes: body.length, sha256: sha256(body) });
    });

    it('gets the head alone, a range, and 304', async () => {
      const code = ['-o', '/dev/null', '-w', '%{http_code} %{size_download}'];
      const statuses = [];
      const etag = path.join(directory, `${version}.etag`);
      await direct([version, '--etag-save', etag, at('/files/document.json')]);
      for (const more of [['-I'], ['-r', '0-9'], ['--etag-compare', etag]]) {
        const { output } = await direct([version, ...code, ...more, at('/files/document.json')]);
        statuses.push(output.toString());
      }
      expect(statuses).toEqual(['200 0', '206 10', '304 0']);
    });

    it('gets many, and sends a large body, where connections are handed to workers', async () => {
      const { port: sharedPort } = new URL(system.gateway('production', 1).url);
      const args = [version, '-w', '%{stderr}%{http_version} %{http_code}'];
      for (let asked = 0; asked < 4; asked += 1) {
        const { output, said } = await direct([...args, at('/files/document.json', sharedPort)]);
        expect([said, output.toString()]).toEqual([answered, DOCUMENT]);
      }
      const body = randomBytes(4_000_000);
      const { output } = await direct([version, '--data-binary', '@-', at('/echo/echo', sharedPort)], body);
      expect(JSON.parse(output.toString())).toMatchObject({ bytes: body.length, sha256: sha256(body) });
    });

    it('comes by way of HAProxy, which says who it is in a PROXY header of version 2', async () => {
      const { port: relayPort } = new URL(passing.url);
      const { output } = await runCurl(tools.curl, ['--cacert', certFile, version, at('/seen/1', relayPort)]);
      const { headers } = JSON.parse(output.toString()) as { headers: Record<string, string> };
      expect(headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' });
    });
  });

  it('carries a WebSocket of the library ws', async () => {
    const relayPort = new URL(passing.url).port;
    const socket = new WebSocket(`wss://localhost:${relayPort}/live/room`, { ca: readFileSync(certFile) });
    await once(socket, 'open');
    const sent = randomBytes(100_000);
    socket.send(sent);
    const [came] = (await once(socket, 'message')) as [Buffer];
    expect(came.equals(sent)).toBe(true);
    socket.close(1_000);
    expect((await once(socket, 'close'))[0]).toBe(1_000);
  });

  it('is not answered without a PROXY header, nor in the clear', async () => {
    const withoutHeader = await runCurl(tools.curl, ['--cacert', certFile, at('/seen/1')]);
    const inTheClear = await direct([`http://localhost:${port}/seen/1`]);
    expect([withoutHeader.exitCode, inTheClear.exitCode].every((code) => code !== 0)).toBe(true);
  });
});
