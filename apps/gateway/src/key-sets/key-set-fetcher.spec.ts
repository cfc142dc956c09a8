import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LookupFunction } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { jest } from '@jest/globals';
import type { RedirectReach } from './fetched-document.ts';
import { KeySetFetcher, FETCH_LIMITS } from './key-set-fetcher.ts';
import { KeySetGuard, type KeySetGuardOptions } from './key-set-guard.ts';
import { selfSignedCertificate } from '#libs/program-shell/testing';
import { FORBIDDEN_ANSWERS, FORBIDDEN_HOSTS, NO_ADDRESSES } from './testing/forbidden-addresses.ts';
import { keySetText } from './testing/hand-driven-documents.ts';
import { type Answer, LocalServers, lookupOf } from './testing/identity-server.ts';

const NAMES = { 'idp.test': ['127.0.0.1'], 'cloud.test': ['169.254.169.254'] };
const SET = keySetText('a');
const MEBIBYTE = 1024 * 1024;
const certificate = selfSignedCertificate('idp.test');

const servers = new LocalServers();
const fetchers: KeySetFetcher[] = [];

function fetcher(changes: Partial<KeySetGuardOptions> & { timeoutMs?: number; authorities?: string } = {}) {
  const { timeoutMs, authorities, ...guardChanges } = changes;
  const guard = new KeySetGuard({ allowPrivateHosts: true, lookup: lookupOf(NAMES), ...guardChanges });
  const made = new KeySetFetcher({ guard, authorities, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  fetchers.push(made);
  return {
    fetch: (address: string, redirectsTo: RedirectReach = 'any-host') => made.fetch(address, redirectsTo),
    close: () => made.close(),
  };
}

/** What is fetched from a server of one answer. */
async function fetched(answer: Answer, path = '/jwks') {
  const port = await servers.http(answer);
  return fetcher().fetch(`http://idp.test:${port}${path}`);
}

/** Counts its host as public although its server is here; of all others it knows what everybody does. */
class GuardOfPublicHost extends KeySetGuard {
  constructor(private readonly publicHost: string) {
    super({ allowPrivateHosts: false, lookup: lookupOf({ 'inside.test': ['8.8.8.8', '10.0.0.1'] }) });
  }

  override lookupFor(url: URL): LookupFunction {
    return url.hostname === this.publicHost ? lookupOf(NAMES) : super.lookupFor(url);
  }
}

function publicHost(name: string): KeySetFetcher {
  const made = new KeySetFetcher({ guard: new GuardOfPublicHost(name), authorities: certificate.cert });
  fetchers.push(made);
  return made;
}

const document = { ok: true, text: SET, freshForSeconds: 300 };
const refused = (failure: string, detail?: string) => ({ ok: false, failure, detail });
const serveSet: Answer = (response) => response.end(SET);

afterEach(() => {
  jest.useRealTimers();
  for (const made of fetchers.splice(0)) made.close();
});
afterAll(() => servers.close());

describe('a key set', () => {
  it('is fetched by GET with its query, and with nothing that names anybody', async () => {
    let request: IncomingMessage | undefined;
    const outcome = await fetched((response, asked) => {
      request = asked;
      response.setHeader('set-cookie', 'a=b').setHeader('cache-control', 'max-age=600').end(SET);
    }, '/jwks?tenant=1#fragment');
    expect(outcome).toEqual({ ...document, freshForSeconds: 600 });
    expect([request?.method, request?.url]).toEqual(['GET', '/jwks?tenant=1']);
    expect(request?.headers).toEqual({
      host: expect.stringMatching(/^idp\.test:\d+$/) as string,
      connection: expect.any(String) as string,
      accept: 'application/jwk-set+json, application/json',
      'accept-encoding': 'gzip',
      'user-agent': 'Gatewarden',
    });
  });

  it('comes by https from a server whose certificate is trusted and bears its name', async () => {
    const port = await servers.https(certificate, serveSet);
    const trusting = { authorities: certificate.cert, lookup: lookupOf({ ...NAMES, 'other.test': ['127.0.0.1'] }) };
    expect(await fetcher(trusting).fetch(`https://idp.test:${port}/`)).toEqual(document);
    expect(await fetcher(trusting).fetch(`https://other.test:${port}/`)).toEqual(
      refused('unreachable', 'ERR_TLS_CERT_ALTNAME_INVALID'),
    );
    expect(await fetcher().fetch(`https://idp.test:${port}/`)).toEqual(
      refused('unreachable', 'DEPTH_ZERO_SELF_SIGNED_CERT'),
    );
  });

  it.each([204, 400, 401, 404, 429, 500, 503])('does not come with status %d', async (status) => {
    const outcome = await fetched((response) => response.writeHead(status).end(status === 204 ? undefined : SET));
    expect(outcome).toEqual(status === 204 ? { ...document, text: '' } : refused('http-status', String(status)));
  });

  it('does not come with a body that nobody needs, and the connection is closed', async () => {
    const endless: Answer = (response) => response.writeHead(500).write(Buffer.alloc(MEBIBYTE, ' '));
    expect(await fetched(endless)).toEqual(refused('http-status', '500'));
    await servers.allClosed();
  });

  it('is UTF-8', async () => {
    expect(await fetched((response) => response.end(Buffer.from([0x7b, 0xff, 0x7d])))).toEqual(
      refused('not-a-key-set'),
    );
    expect(await fetched((response) => response.end(`\ufeff${SET}`))).toEqual(document);
  });

  it('is unreachable where nobody listens or no name leads', async () => {
    const gone = new LocalServers();
    const port = await gone.http(serveSet);
    await gone.close();
    expect(await fetcher().fetch(`http://127.0.0.1:${port}/`)).toEqual(refused('unreachable', 'ECONNREFUSED'));
    expect(await fetcher().fetch('http://nowhere.test/')).toEqual(refused('unreachable', 'ENOTFOUND'));
  });

  it('is unreachable when the answer is no HTTP or breaks off', async () => {
    const broken = await fetched((response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{"keys":[');
      response.socket?.end();
    });
    expect(broken).toMatchObject({ ok: false, failure: 'unreachable' });
    const noise = await fetched((response) => response.socket?.end('no HTTP\r\n\r\n'));
    expect(noise).toMatchObject({ ok: false, failure: 'unreachable' });
  });

  it.each(NO_ADDRESSES)('has no address like %j', async (address) => {
    expect(await fetcher().fetch(address)).toEqual(refused('invalid-address'));
  });
});

describe('the size of a key set', () => {
  it.each([
    ['said beforehand', true],
    ['not said', false],
  ])('is limited to 1 MiB, %s', async (_what, isSaid) => {
    const bodyOf = (bytes: number) => SET + ' '.repeat(bytes - SET.length);
    const sized = (bytes: number) => (response: ServerResponse) => {
      if (isSaid) response.setHeader('content-length', bytes);
      response.write(bodyOf(bytes));
      response.end();
    };
    expect(await fetched(sized(MEBIBYTE))).toMatchObject({ ok: true });
    expect(await fetched(sized(MEBIBYTE + 1))).toEqual(refused('too-large'));
    expect(await fetched(sized(10 * MEBIBYTE))).toEqual(refused('too-large'));
  });

  it('is limited where the server never ends, and the connection closed', async () => {
    let hasEnded: () => void;
    const ended = new Promise<void>((done) => (hasEnded = done));
    const chunk = Buffer.alloc(64 * 1024, ' ');
    const outcome = await fetched((response) => {
      const more = (): void => void (response.write(chunk) ? setImmediate(more) : response.once('drain', more));
      response.on('close', () => hasEnded());
      more();
    });
    expect(outcome).toEqual(refused('too-large'));
    await ended;
  });

  it('is counted after decompression', async () => {
    const zipped = (body: string) => {
      // Before it is asked for: the time that this takes is none of the fetch.
      const bytes = gzipSync(body);
      return (response: ServerResponse) => response.setHeader('content-encoding', 'gzip').end(bytes);
    };
    expect(await fetched(zipped(SET))).toEqual(document);
    expect(await fetched(zipped(' '.repeat(MEBIBYTE)))).toMatchObject({ ok: true });
    expect(await fetched(zipped(' '.repeat(MEBIBYTE + 1)))).toEqual(refused('too-large'));
    // 100 MiB in 100 KiB.
    expect(await fetched(zipped(' '.repeat(100 * MEBIBYTE)))).toEqual(refused('too-large'));
  });

  it('is not found out by other or broken compression', async () => {
    const coded = (coding: string, body: Buffer) => (response: ServerResponse) =>
      response.setHeader('content-encoding', coding).end(body);
    expect(await fetched(coded('br', brotliCompressSync(SET)))).toEqual(refused('encoding'));
    expect(await fetched(coded('gzip, gzip', gzipSync(gzipSync(SET))))).toEqual(refused('encoding'));
    expect(await fetched(coded('gzip', Buffer.from(SET)))).toEqual(refused('encoding'));
    expect(await fetched(coded('gzip', gzipSync(SET).subarray(0, -9)))).toEqual(refused('encoding'));
    expect(await fetched(coded('identity', Buffer.from(SET)))).toEqual(document);
  });
});

describe('a fetch that takes too long', () => {
  const HANGING = { timeoutMs: 200 };

  it('takes 5 seconds and no longer', () => {
    expect(FETCH_LIMITS.timeoutMs).toBe(5_000);
  });

  it('ends when the server hangs, before or after its head', async () => {
    const mute = await servers.http(() => undefined);
    const slow = await servers.http((response) => response.writeHead(200).flushHeaders());
    const silent = await servers.silent();
    for (const address of [`http://idp.test:${mute}/`, `http://idp.test:${slow}/`, `https://idp.test:${silent}/`]) {
      expect(await fetcher(HANGING).fetch(address)).toEqual(refused('timeout'));
    }
  });

  it('ends when the server drips', async () => {
    const port = await servers.http((response) => {
      const drip = setInterval(() => response.write(' '), 10);
      response.on('close', () => clearInterval(drip));
    });
    expect(await fetcher(HANGING).fetch(`http://idp.test:${port}/`)).toEqual(refused('timeout'));
    await servers.allClosed();
  });

  it('ends when the name is never resolved', async () => {
    const lookup: LookupFunction = () => undefined;
    expect(await fetcher({ ...HANGING, lookup }).fetch('https://idp.test/')).toEqual(refused('timeout'));
  });

  it('ends when it leads from one slow redirect to the next', async () => {
    const port = await servers.http((response) => {
      setTimeout(() => response.writeHead(302, { location: '/next' }).end(), 80);
    });
    expect(await fetcher(HANGING).fetch(`http://idp.test:${port}/`)).toEqual(refused('timeout'));
  });

  it('ends while it waits for its turn, and leaves the turn to others', async () => {
    const waiting: ServerResponse[] = [];
    let hasTwo: () => void = () => undefined;
    const bothTurnsTaken = new Promise<void>((resolve) => (hasTwo = resolve));
    const port = await servers.http((response) => void (waiting.push(response) === 2 && hasTwo()));
    const made = fetcher(HANGING);
    // The time of all is up in one moment: nobody gets the turn of another one just before.
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance', 'Date'] });
    const asked = Promise.all([1, 2, 3, 4].map((n) => made.fetch(`http://idp.test:${port}/${n}`)));
    await bothTurnsTaken;
    jest.advanceTimersByTime(HANGING.timeoutMs);
    expect(await asked).toEqual([1, 2, 3, 4].map(() => refused('timeout')));
    jest.useRealTimers();
    expect(waiting).toHaveLength(2);
    const good = await servers.http(serveSet);
    expect(await made.fetch(`http://idp.test:${good}/`)).toEqual(document);
  });
});

describe('the requests to one host', () => {
  it('are two at a time', async () => {
    const open: ServerResponse[] = [];
    let most = 0;
    let hasTwo: () => void = () => undefined;
    const port = await servers.http((response) => {
      open.push(response);
      most = Math.max(most, open.length);
      if (open.length === 2) hasTwo();
    });
    const made = fetcher();
    const all = Promise.all(Array.from({ length: 10 }, (_, n) => made.fetch(`http://idp.test:${port}/${n}`)));
    for (let pair = 0; pair < 5; pair += 1) {
      if (open.length < 2) await new Promise<void>((done) => (hasTwo = done));
      for (const response of open.splice(0)) response.end(SET);
    }
    expect((await all).every((outcome) => outcome.ok)).toBe(true);
    expect(most).toBe(2);
  });
});

describe('a redirect', () => {
  const redirecting = (location: string | undefined, status = 302) =>
    fetched((response, request) => {
      if (request.url !== '/jwks') return response.end(SET);
      return response.writeHead(status, location === undefined ? {} : { location }).end('moved');
    });

  it.each([301, 302, 303, 307, 308])('is followed with status %d', async (status) => {
    expect(await redirecting('/moved', status)).toEqual(document);
  });

  it('is followed three times', async () => {
    const hops = (count: number) =>
      fetched((response, request) => {
        const at = Number(request.url?.slice(1));
        if (at === 0) response.end(SET);
        else response.writeHead(302, { location: String(at - 1) }).end();
      }, `/${count}`);
    expect(await hops(3)).toEqual(document);
    expect(await hops(4)).toEqual(refused('redirect'));
  });

  it.each([undefined, '', 'http://', 'http://[::1'])('leads nowhere with location %j', async (location) => {
    const outcome = await redirecting(location);
    // An empty reference is the same address again (RFC 3986 section 5.2.2).
    expect(outcome).toEqual(refused('redirect'));
  });

  it.each([
    ['http://169.254.169.254/latest/meta-data', 'forbidden-address'],
    ['http://[::ffff:169.254.169.254]/', 'forbidden-address'],
    ['http://2852039166/', 'forbidden-address'],
    ['http://cloud.test/', 'forbidden-address'],
    ['http://metadata.google.internal/', 'forbidden-address'],
    ['file:///etc/passwd', 'invalid-address'],
    ['http://user:word@idp.test/', 'invalid-address'],
  ])('is checked like an address: %s', async (location, failure) => {
    expect(await redirecting(location)).toEqual(refused(failure));
  });

  it('leads to another host only where it may, from whichever hop', async () => {
    const lookup = lookupOf({ ...NAMES, 'elsewhere.test': ['127.0.0.1'] });
    const elsewhere = await servers.http(serveSet);
    const hops: Record<string, string> = { '/': `http://elsewhere.test:${elsewhere}/`, '/twice': '/' };
    const port = await servers.http((response, request) => {
      response.writeHead(302, { location: hops[request.url ?? ''] ?? '' }).end();
    });
    for (const path of ['/', '/twice']) {
      const address = `http://idp.test:${port}${path}`;
      expect(await fetcher({ lookup }).fetch(address, 'any-host')).toEqual(document);
      expect(await fetcher({ lookup }).fetch(address, 'same-host')).toEqual(refused('redirect'));
    }
    const moved = await servers.http((response) => {
      response.writeHead(302, { location: `http://IDP.test:${elsewhere}/` }).end();
    });
    expect(await fetcher({ lookup }).fetch(`http://idp.test:${moved}/`, 'same-host')).toEqual(document);
  });

  it('never leads from https to http', async () => {
    const plain = await servers.http(serveSet);
    const location = `http://idp.test:${plain}/`;
    const port = await servers.https(certificate, (response) => response.writeHead(302, { location }).end());
    const outcome = await fetcher({ authorities: certificate.cert }).fetch(`https://idp.test:${port}/`);
    expect(outcome).toEqual(refused('redirect'));
  });
});

describe('without JWKS_ALLOW_PRIVATE_HOSTS', () => {
  const PUBLIC_ONLY = { allowPrivateHosts: false };

  it('http is no address', async () => {
    expect(await fetcher(PUBLIC_ONLY).fetch('http://idp.test/')).toEqual(refused('invalid-address'));
  });

  it.each(Object.values(FORBIDDEN_HOSTS).flat())('https://%s is never contacted', async (host) => {
    const before = servers.connections;
    const port = await servers.https(certificate, serveSet);
    expect(await fetcher(PUBLIC_ONLY).fetch(`https://${host}:${port}/`)).toEqual(refused('forbidden-address'));
    expect(servers.connections).toBe(before);
  });

  it.each(FORBIDDEN_ANSWERS.map((addresses) => [addresses.join(' and '), addresses] as const))(
    'a name that leads to %s is never contacted',
    async (_what, addresses) => {
      const before = servers.connections;
      const port = await servers.https(certificate, serveSet);
      const lookup = lookupOf({ 'idp.test': addresses });
      const made = fetcher({ ...PUBLIC_ONLY, lookup, authorities: certificate.cert });
      expect(await made.fetch(`https://idp.test:${port}/`)).toEqual(refused('forbidden-address'));
      expect(servers.connections).toBe(before);
    },
  );

  it.each(Object.values(FORBIDDEN_HOSTS).flat())('no redirect of a public host leads to https://%s', async (host) => {
    const secret = await servers.https(certificate, serveSet);
    // A header is ASCII: what is not is percent-encoded.
    const location = `https://${host.replace(/[^ -~]+/g, encodeURIComponent)}:${secret}/`;
    const open = await servers.https(certificate, (response) => response.writeHead(302, { location }).end());
    const before = servers.connections;
    const made = publicHost('idp.test');
    expect(await made.fetch(`https://idp.test:${open}/`, 'any-host')).toEqual(refused('forbidden-address'));
    expect(servers.connections).toBe(before + 1);
  });

  it.each([
    ['a name of the inside', 'https://inside.test/', 'forbidden-address'],
    ['http', 'http://idp.test/', 'redirect'],
    ['credentials', 'https://user:word@idp.test/', 'invalid-address'],
    ['a file', 'file:///etc/passwd', 'redirect'],
  ])('no redirect of a public host leads to %s', async (_what, location, failure) => {
    const open = await servers.https(certificate, (response) => response.writeHead(302, { location }).end());
    const before = servers.connections;
    const made = publicHost('idp.test');
    expect(await made.fetch(`https://idp.test:${open}/`, 'any-host')).toEqual(refused(failure));
    expect(servers.connections).toBe(before + 1);
  });

  it('a name is resolved once for each connection, so that no other answer can be slipped in after the check', async () => {
    const port = await servers.https(certificate, serveSet);
    let lookups = 0;
    const lookup: LookupFunction = (hostname, options, callback) => {
      lookups += 1;
      const answers = [['127.0.0.1'], ['169.254.169.254']];
      lookupOf({ [hostname]: answers[lookups - 1] ?? [] })(hostname, options, callback);
    };
    const made = fetcher({ lookup, authorities: certificate.cert });
    expect(await made.fetch(`https://idp.test:${port}/`)).toEqual(document);
    expect(lookups).toBe(1);
    expect(await made.fetch(`https://idp.test:${port}/`)).toEqual(refused('forbidden-address'));
  });
});

describe('with JWKS_ALLOW_PRIVATE_HOSTS', () => {
  it.each(['169.254.169.254', '[fe80::1]', '[fd00:ec2::254]', 'cloud.test', 'metadata.google.internal'])(
    'http://%s is still never contacted',
    async (host) => {
      expect(await fetcher().fetch(`http://${host}/`)).toEqual(refused('forbidden-address'));
    },
  );

  it('the gateway itself is still never asked by its admin endpoints', async () => {
    const before = servers.connections;
    const port = await servers.http(serveSet);
    const made = fetcher({ adminOrigin: { host: '127.0.0.1', port } });
    for (const host of ['127.0.0.1', 'idp.test', '[::1]', '0']) {
      expect(await made.fetch(`http://${host}:${port}/metrics`)).toEqual(refused('forbidden-address'));
    }
    expect(servers.connections).toBe(before);
  });
});

describe('a fetcher that is closed', () => {
  it('ends what is on its way, closes its connections and begins nothing more', async () => {
    let hasAsked: () => void = () => undefined;
    const asked = new Promise<void>((done) => (hasAsked = done));
    const port = await servers.http(() => hasAsked());
    const silent = await servers.silent();
    const made = fetcher();
    const outcomes = [
      ...[1, 2, 3].map((n) => made.fetch(`http://idp.test:${port}/${n}`)),
      made.fetch(`https://127.0.0.1:${silent}/`),
    ];
    await asked;
    made.close();
    expect(await Promise.all(outcomes)).toEqual(outcomes.map(() => refused('closed')));
    await servers.allClosed();
    expect(await made.fetch(`http://idp.test:${port}/`)).toEqual(refused('closed'));
  });
});
