import { connect, type AddressInfo } from 'node:net';
import { proxyBody, policyBody, credentialBody } from '../../../apps/control-plane/test/testing/request-bodies.ts';
import { RunningControlPlane } from '../../../apps/control-plane/test/testing/running-control-plane.ts';
import { type SeededRandom } from '../../chaos/seeded-random.ts';
import { type FuzzTarget, type Judgement } from '../fuzz-target.ts';
import { readFrame } from '../http1-frames.ts';
import { mutateJson } from '../mutate-json.ts';
import { mutateText } from '../mutate-text.ts';
import { startOwnServers } from '../own-servers.ts';
import { answerViolation } from './judge-answer.ts';
import { POLICY_BODIES, POLICY_PIECES } from './policy-seeds.ts';

/** What stands in the paths of routes. */
const NAMED: Readonly<Record<string, string>> = {
  ...{ projectName: 'shop', apiProxyName: 'orders', policyName: 'one', environmentName: 'fleet', username: 'user' },
  ...{ name: 'signing', tokenName: 'ci', revision: '1', deployment: '1', keyId: 'k', family: 'f', deploymentId: 'd' },
};
const BODIES: readonly unknown[] = [
  ...POLICY_BODIES,
  ...[proxyBody('orders'), policyBody(), credentialBody('user', 'a first password'), {}, [], 'text', null],
  ...[
    { name: 'shop', description: 'd' },
    { name: 'ci', permissions: ['VIEW'], projects: ['*'], expiresAt: null },
  ],
  ...[
    { name: '/users/{id}', httpMethod: 'GET', backendResourceUrl: '/u/{id}' },
    { publicKey: 'client', secretKey: 's3cret-s3cret' },
  ],
  ...[
    { relativePathList: ['/other'], methodList: ['GET'], hostList: ['a.example'], headerList: [] },
    { readTimeout: 9 },
  ],
  { routingAddressList: [{ address: 'http://127.0.0.1:2/base', weight: 2 }], loadBalanceAlgorithm: 'ROUND_ROBIN' },
  { global: true, globalValue: '1', globalVisible: true, environmentValueList: null },
  { global: false, environmentValueList: [{ environmentName: 'fleet', value: '2', visible: false }] },
  ...[
    { name: 'signing', type: 'EC', ec: { curveType: 'P256' } },
    { from: 'fleet', to: ['fleet'] },
    { waves: [['fleet']] },
  ],
  ...[{ uri: 'https://keys.example/jwks', kid: 'k' }, { username: 'nobody' }, { tokenNeverExpires: true }],
  ...[{ jsonErrorResponseTemplateActive: false }, { corsActive: true, accessControlAllowOriginList: ['*'] }],
];
const HEADERS = [
  ...[
    'accept: application/xml',
    'accept: */*;q=0.1, application/xml;q=2',
    'if-match: "1"',
    'if-match: *',
    'if-match: W/"x"',
  ],
  ...['idempotency-key: a', 'x-change-reason: because', 'x-request-id: a b', 'expect: 100-continue', 'origin: null'],
  ...[
    'content-encoding: gzip',
    'transfer-encoding: gzip',
    'content-type: text/plain',
    'content-type: application/json; charset=utf-16',
  ],
  ...[
    'content-type: application/xml',
    'content-type: application/x-www-form-urlencoded',
    'upgrade: websocket',
    'cookie: a=b',
  ],
  ...[
    'x-forwarded-for: 1.2.3.4',
    'accept-encoding: gzip',
    'range: bytes=0-1',
    'authorization: Basic YTpi',
    'host: b',
    'host:',
  ],
];
const QUERIES = [
  ...[
    '',
    '',
    '',
    '?limit=2',
    '?after=0&limit=1',
    '?limit=-1',
    '?at=2026-01-01T00:00:00Z',
    '?at=x',
    '?from=1&to=2',
    '?environmentName=fleet',
  ],
  ...[
    '?a[b]=c',
    '?__proto__=1',
    '?limit=1&limit=2',
    '?targetScope=ALL&targetPipeline=REQUEST&deploy=true',
    '?force=true',
    '?%',
    '?&&=&',
  ],
];
const PIECES = [
  ...'/\\?#%&=;:.*()[]{}\'"<> \t\u0000\u0080\u00ff',
  ...[
    '%00',
    '%2f',
    '%2e%2e/',
    '%25',
    '%zz',
    '%e0%80%80',
    '//',
    '/../',
    '/./',
    '\r\n',
    '\r\n ',
    '__proto__',
    'constructor',
    '%F0%9F%98%80',
  ],
  ...[
    'a'.repeat(300),
    'a'.repeat(9_000),
    '$%20$',
    '..;/',
    '/apiops/',
    '-1',
    '0',
    '99999999999999999999',
    'NaN',
    "' or 1=1--",
    '*',
  ],
];
/** Never over, or of the board's own making. */
const LEFT_OUT = /\/stream\/?$|^\/apiops\/(?:queues|docs)/;
const REQUEST_LINE = /^[A-Z]+ \S+ HTTP\/1\.1\r\n/;
const ENDS_WITHIN_MS = 30_000;
const UNANSWERED_MS = 500;
const DEPLOYMENTS_ARE_PROMPT_MS = 100;

interface Route {
  readonly method: string;
  readonly path: string;
}

function headerLines(random: SeededRandom, token: string): string[] {
  const isStranger = random.between(0, 30) === 0;
  const odd = Array.from({ length: random.between(0, 2) }, () => random.pick(HEADERS));
  const lines = ['host: a', `authorization: Bearer ${isStranger ? token.slice(0, -1) : token}`, ...odd];
  return random.between(0, 9) > 0 ? lines : [...lines, mutateText(random.pick(HEADERS), random, PIECES)];
}

const bodyOf = (random: SeededRandom): string => {
  const body = random.pick(BODIES);
  return random.between(0, 3) === 0 ? JSON.stringify(body) : mutateJson(body, random, POLICY_PIECES);
};

function caseText(random: SeededRandom, routes: readonly Route[], token: string): string {
  const { method, path } = random.pick(routes);
  const filled = path.replace(/:(\w+)|\*/g, (_whole, name?: string) => NAMED[name ?? ''] ?? 'x') + random.pick(QUERIES);
  const target = random.between(0, 3) === 0 ? mutateText(filled, random, PIECES) : filled;
  const lines = headerLines(random, token);
  const hasBody = method !== 'GET' && random.between(0, 9) > 0;
  const body = hasBody ? Buffer.from(bodyOf(random)).toString('latin1') : '';
  const type = lines.some((line) => line.startsWith('content-type')) ? [] : ['content-type: application/json'];
  const ofBody = hasBody ? [...type, `content-length: ${body.length}`] : [];
  const head = [`${method} ${target} HTTP/1.1`, ...lines, ...ofBody, 'connection: close', '', ''].join('\r\n');
  const text = head + body;
  return random.between(0, 19) === 0 ? mutateText(text, random, PIECES) : text;
}

/** A control plane that listens, and what the routes speak of. */
class ControlPlaneUnderFire {
  private constructor(
    private readonly plane: RunningControlPlane,
    private readonly port: number,
    private readonly stopServers: () => Promise<void>,
  ) {}

  static async start(): Promise<ControlPlaneUnderFire> {
    const stopServers = await startOwnServers();
    const plane = await RunningControlPlane.start({ deployTimeoutMs: DEPLOYMENTS_ARE_PROMPT_MS });
    await plane.app.listen(0, '127.0.0.1');
    const { port } = (plane.app.getHttpServer() as { address(): AddressInfo }).address();
    const under = new ControlPlaneUnderFire(plane, port, stopServers);
    await under.fill();
    return under;
  }

  get token(): string {
    return this.plane.adminToken;
  }

  get routes(): readonly Route[] {
    return this.plane.routes().filter(({ path }) => path.startsWith('/apiops') && !LEFT_OUT.test(path));
  }

  /** What the requests of strangers took away comes back; the rest is there. */
  async fill(): Promise<void> {
    const project = '/projects/shop';
    await this.plane.call('POST', '/environments/', { name: 'fleet' });
    await this.plane.call('POST', '/projects/', { name: 'shop' });
    await this.plane.call('POST', `${project}/apiProxies/url/`, proxyBody('orders'));
    await this.plane.call('POST', `${project}/apiProxies/orders/policies/one/`, policyBody());
    await this.plane.call('POST', `${project}/credentials/`, credentialBody('user', 'a first password'));
    await this.plane.call('POST', `${project}/jwks/generate`, {
      name: 'signing',
      type: 'EC',
      ec: { curveType: 'P256' },
    });
    // Kept to be looked through by tests.
    this.plane.answers.length = 0;
  }

  async judge(text: string): Promise<Judgement> {
    const since = this.plane.logLines.length;
    const { received, isLate } = await this.exchange(text);
    const isGone = text.startsWith('DELETE') && received.startsWith('HTTP/1.1 200');
    if (isGone) await this.fill();
    const unforeseen = this.plane.logLines.slice(since).find((line) => line.includes('unforeseen'));
    this.plane.logLines.length = 0;
    if (isLate) return { group: 'late', violation: `did not end within ${ENDS_WITHIN_MS} ms` };
    if (unforeseen !== undefined) return { group: '500', violation: `logged ${unforeseen}` };
    const final = withoutInterims(received);
    if (final === '' && !isWhole(text)) return { group: 'no answer' };
    return judgeAnswer(final);
  }

  async end(): Promise<void> {
    await this.plane.close();
    await this.stopServers();
  }

  private exchange(text: string): Promise<{ received: string; isLate: boolean }> {
    return new Promise((resolve) => {
      const pieces: Buffer[] = [];
      // Whoever fails to authenticate is slowed down by address: no one address shall be all of them.
      const localAddress = `127.0.${(text.length >> 8) & 0xff}.${1 + (text.length & 0x7f)}`;
      const socket = connect({ port: this.port, host: '127.0.0.1', localAddress });
      let isLate = false;
      const late = setTimeout(() => {
        isLate = true;
        socket.destroy();
      }, ENDS_WITHIN_MS);
      // What announces more than it sends has no answer to wait for; to whatever is whole there must be one.
      const quiet = setTimeout(() => isWhole(text) || socket.end(), UNANSWERED_MS);
      socket
        .on('error', () => undefined)
        .on('data', (piece: Buffer) => {
          pieces.push(piece);
          quiet.refresh();
          const final = withoutInterims(Buffer.concat(pieces).toString('latin1'));
          if (readFrame(final, 'answer') !== undefined) socket.end();
        });
      socket.write(Buffer.from(text, 'latin1'));
      socket.once('close', () => {
        clearTimeout(late);
        clearTimeout(quiet);
        resolve({ received: Buffer.concat(pieces).toString('latin1'), isLate });
      });
    });
  }
}

/** What was received, without `100 Continue` and the like before it. */
function withoutInterims(received: string): string {
  const frame = readFrame(received, 'answer');
  const isInterim = typeof frame === 'object' && frame.head.startsWith('HTTP/1.1 1');
  return isInterim ? withoutInterims(received.slice(frame.length)) : received;
}
const isEnvelope = (head: string): boolean => /\r\ncontent-type: application\/json/i.test(head);

/** One request to its end and nothing behind it. Whatever else is sent may stay without an answer: the client leaves meanwhile. */
function isWhole(text: string): boolean {
  const frame = readFrame(text, 'request');
  return typeof frame === 'object' && frame.length === text.length && REQUEST_LINE.test(frame.head);
}

function judgeAnswer(received: string): Judgement {
  if (received === '') return { group: 'no answer', violation: 'a whole request without an answer' };
  const frame = readFrame(received, 'answer');
  if (typeof frame !== 'object') return { group: 'broken', violation: `answered ${frame ?? 'half an answer'}` };
  const status = Number(frame.head.slice(9, 12));
  const body = Buffer.from(received.slice(frame.head.length, frame.length), 'latin1').toString('utf8');
  if (status >= 500) return { group: String(status), violation: `answered ${status} ${body}` };
  const isRefusal = status >= 400 && isEnvelope(frame.head) && body !== '';
  return { group: String(status), violation: isRefusal ? answerViolation(status, body) : undefined };
}

/** Requests at every route of the control plane, byte for byte over a connection, with a real database and Redis. */
export const APIOPS_REQUESTS: FuzzTarget = {
  name: 'apiops-requests',
  share: 1,
  groups: ['200', '400', '401', '404'],
  prepare: async () => {
    const under = await ControlPlaneUnderFire.start();
    const { routes } = under;
    return {
      next: (random) => ({ text: caseText(random, routes, under.token), judge: (text) => under.judge(text) }),
      end: () => under.end(),
    };
  },
};
