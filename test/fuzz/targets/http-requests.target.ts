import { readFileSync } from 'node:fs';
import { type SeededRandom } from '../../chaos/seeded-random.ts';
import { type FuzzTarget, type Judgement } from '../fuzz-target.ts';
import { readFrame } from '../http1-frames.ts';
import { mutateText } from '../mutate-text.ts';
import { GatewayUnderFire, type Fired } from './gateway-under-fire.ts';

const requestsIn = (file: string): string[] =>
  (JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as { readonly request: string }[]).map(
    ({ request }) => request.replaceAll('{path}', '/p/x'),
  );
const FORM = 'jwt=a.b.c&x=%zz';
const SEEDS = [
  ...requestsIn('../../conformance/http1-door-cases.json'),
  ...requestsIn('../../fixtures/http1-cases.json'),
  `POST /f HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${FORM.length}\r\n\r\n${FORM}`,
  'GET /p HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\u0081\u0085',
  'POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n',
];
const GET = 'GET /p/x HTTP/1.1\r\nHost: a\r\n\r\n';
const PIECES = [
  ...'\r\n :;,\t\u0000\u0080\u00ff0a/?#%"\\',
  ...[
    '\r\n',
    '\r\n\r\n',
    '\r\n ',
    '\n\n',
    GET,
    'HEAD /p HTTP/1.1\r\nHost: a\r\n\r\n',
    'POST /f HTTP/1.1\r\n',
    'HTTP/1.0',
    'HTTP/2.0',
  ],
  ...[
    'Content-Length: 5\r\n',
    'Content-Length: 0\r\n',
    'Content-Length: -1\r\n',
    'Content-Length: 5, 5\r\n',
    'Content-Length: 99999999999999999999\r\n',
  ],
  ...[
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip, chunked\r\n',
    'transfer-encoding:\tchunked\r\n',
    'Expect: 100-continue\r\n',
  ],
  ...[
    'Connection: close\r\n',
    'Connection: host, content-length\r\n',
    'Connection: Upgrade\r\nUpgrade: websocket\r\n',
    'Upgrade: h2c\r\n',
  ],
  ...[
    'Host: b\r\n',
    'Host:\r\n',
    'Authorization: Bearer a\r\n',
    'X-Forwarded-For: 1.2.3.4\r\n',
    'TE: trailers\r\n',
    'Origin: null\r\n',
  ],
  ...[
    '5\r\nhello\r\n',
    '0\r\n\r\n',
    'ffffffffff\r\n',
    '5;a=b\r\n',
    '/../',
    '/%2e%2e/',
    '%00',
    '%2f',
    '//',
    'http://b/p',
    '*',
    'CONNECT b:1 ',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ],
  'X-A: b\r\n'.repeat(150),
  `X-Long: ${'a'.repeat(9_000)}\r\n`,
  'a'.repeat(9_000),
];

/** Final answers, in order; a text: what is wrong with them. */
function answersIn(received: string): string[] | string {
  const heads: string[] = [];
  for (let rest = received; rest !== '';) {
    const frame = readFrame(rest, 'answer');
    if (frame === undefined) return 'answered with less than a whole answer';
    if (typeof frame === 'string') return `answered with ${frame}`;
    if (!/^HTTP\/1\.1 [1-5]\d\d [\t\x20-\x7e\x80-\xff]*\r\n/.test(frame.head))
      return 'answered with a status line that is none';
    if (!frame.head.startsWith('HTTP/1.1 1')) heads.push(frame.head);
    rest = rest.slice(frame.length);
  }
  return heads;
}

const seenIn = (head: string): string[] => /\r\nx-seen: (\d+)/i.exec(head)?.slice(1) ?? [];

/**
 * Each answer of the upstream belongs to the request that it read, in the same order: none was slipped in between. The last
 * may be without one, when the client left before it came.
 */
function pairViolation(heads: readonly string[], requests: readonly { readonly number: number }[]): string | undefined {
  const answered = heads.flatMap(seenIn);
  const read = requests.map(({ number }) => String(number));
  const isPaired = answered.every((number, at) => number === read[at]) && read.length - answered.length <= 1;
  return isPaired ? undefined : `answered for ${answered.length} requests while the upstream read ${read.length}`;
}

async function judge(under: GatewayUnderFire, fired: Fired): Promise<Judgement> {
  const left = await under.violation(fired, { waits: true });
  const heads = answersIn(fired.received);
  if (typeof heads === 'string') return { group: 'broken', violation: left ?? heads };
  const statuses = heads.map((head) => head.slice(9, 12));
  const violation = left ?? pairViolation(heads, under.upstream.requests);
  // Two requests at one time, or a body that was broken off, may leave one without an answer: never without an end.
  return {
    group: statuses[0] ?? 'no answer',
    violation: violation ?? (statuses.find((status) => /^50[0234]/.test(status)) && `answered ${statuses.join()}`),
  };
}

function caseText(random: SeededRandom): string {
  const seed = random.pick(SEEDS);
  const before = random.between(0, 3) === 0 ? GET : '';
  return before + (random.between(0, 11) === 0 ? seed : mutateText(seed, random, PIECES));
}

/** Bytes at the port of the gateway, whichever front takes them. The text is the bytes, one character each. */
export const HTTP_REQUESTS: FuzzTarget = {
  name: 'http-requests',
  share: 4,
  groups: ['200', '400', '404'],
  prepare: async () => {
    const under = await GatewayUnderFire.start();
    return {
      next: (random) => {
        const text = caseText(random);
        const cuts = Array.from({ length: random.between(0, 2) }, () => random.next()).sort();
        return {
          text,
          judge: async (given) => {
            const places = [0, ...cuts.map((cut) => Math.floor(cut * given.length)), given.length];
            const pieces = places.slice(1).map((end, at) => Buffer.from(given.slice(places[at], end), 'latin1'));
            return judge(under, await under.fire(pieces));
          },
        };
      },
      end: () => under.end(),
    };
  },
};
