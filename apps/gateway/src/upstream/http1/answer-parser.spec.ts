import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import fc from 'fast-check';
import type { AnswerFault, AnswerHead } from './answer-head.ts';
import { AnswerParser } from './answer-parser.ts';

const MOST_BYTES = 4 * 1024;

/** Everything that is told of an answer. */
interface Reading {
  readonly interim: number[];
  head: AnswerHead | undefined;
  body: string;
  outcome: 'done' | 'unfinished' | AnswerFault;
  /** Bytes behind the answer. */
  rest: string;
}

interface Asked {
  readonly method?: string;
  readonly upgrade?: string;
  /** The connection ends behind the bytes. Default: true. */
  readonly ends?: boolean;
}

/** Reads bytes that come in these pieces. */
function readPieces(pieces: readonly Buffer[], asked: Asked = {}, parser = new AnswerParser(MOST_BYTES)): Reading {
  const reading: Reading = { interim: [], head: undefined, body: '', outcome: 'unfinished', rest: '' };
  const sink = {
    interim: ({ status }: AnswerHead) => void reading.interim.push(status),
    head: (head: AnswerHead) => void (reading.head = head),
    body: (bytes: Buffer, from: number, to: number) => void (reading.body += bytes.toString('latin1', from, to)),
  };
  parser.begin(asked.method ?? 'GET', asked.upgrade);
  for (const piece of pieces) {
    const end = parser.isDone ? 0 : parser.read(piece, 0, piece.length, sink);
    if (parser.fault !== undefined) return { ...reading, outcome: parser.fault };
    reading.rest += piece.toString('latin1', end);
  }
  const isDone = parser.isDone || (asked.ends !== false && parser.endsWithConnection());
  return { ...reading, outcome: isDone ? 'done' : 'unfinished' };
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const read = (text: string, asked: Asked = {}): Reading => readPieces([bytesOf(text)], asked);
const lines = (...all: readonly string[]): string => all.map((line) => `${line}\r\n`).join('');
const answer = (...headers: readonly string[]): string => lines('HTTP/1.1 200 OK', ...headers, '');

const ANSWERS: readonly (readonly [what: string, text: string, method: string])[] = [
  ['a length', `${answer('Content-Length: 5')}hello`, 'GET'],
  ['a length of nothing', answer('Content-Length: 0'), 'GET'],
  ['chunks', `${answer('Transfer-Encoding: chunked')}5\r\nhello\r\n3;a="b"\r\n yo\r\n0\r\n\r\n`, 'GET'],
  [
    'chunks and trailers',
    `${answer('transfer-encoding: Chunked')}A\r\n0123456789\r\n00\r\nX-Sum: 1\r\nY:\t2 \r\n\r\n`,
    'GET',
  ],
  ['an end with the connection', `${answer('X: y')}all of it`, 'GET'],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nold', 'GET'],
  ['no reason', 'HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx', 'GET'],
  ['blanks around values', `${answer('Content-Length:  \t2\t ', 'X:', 'Y: \xe9 z')}ok`, 'GET'],
  [
    'interim answers',
    `${lines('HTTP/1.1 100 Continue', '', 'HTTP/1.1 103 Hints', 'Link: </a>', '')}${answer('Content-Length: 1')}x`,
    'GET',
  ],
  ['204', lines('HTTP/1.1 204 None', 'X: y', ''), 'GET'],
  ['304 with a length', lines('HTTP/1.1 304 Same', 'Content-Length: 99', ''), 'GET'],
  ['HEAD with a length', answer('Content-Length: 99'), 'HEAD'],
  ['HEAD with chunks', answer('Transfer-Encoding: chunked'), 'HEAD'],
];

const REFUSED: readonly (readonly [fault: string, what: string, text: string])[] = [
  ['bad-content-length', 'two lengths', answer('Content-Length: 1', 'Content-Length: 2')],
  ['bad-content-length', 'two equal lengths', answer('Content-Length: 1', 'Content-Length: 1')],
  ['bad-content-length', 'a list of lengths', answer('Content-Length: 1, 1')],
  ['bad-content-length', 'a signed length', answer('Content-Length: +1')],
  ['bad-content-length', 'an empty length', answer('Content-Length:')],
  ['bad-content-length', 'a length beyond all numbers', answer('Content-Length: 99999999999999999999')],
  ['bad-transfer-encoding', 'a length and chunks', answer('Content-Length: 1', 'Transfer-Encoding: chunked')],
  ['bad-transfer-encoding', 'chunks and a length', answer('Transfer-Encoding: chunked', 'Content-Length: 1')],
  ['bad-transfer-encoding', 'another coding', answer('Transfer-Encoding: gzip, chunked')],
  ['bad-transfer-encoding', 'chunks twice', answer('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')],
  ['bad-transfer-encoding', 'chunks in HTTP/1.0', lines('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked', '')],
  ['bad-header-line', 'a folded line', answer('X: y', ' z')],
  ['bad-header-line', 'a blank before the colon', answer('Content-Length : 1')],
  ['bad-header-line', 'no colon', answer('Content-Length')],
  ['bad-header-line', 'no name', answer(': x')],
  ['bad-header-line', 'a bare line feed', answer('X: y\nContent-Length: 1')],
  ['bad-header-line', 'a bare carriage return', answer('X: y\rContent-Length: 1')],
  ['bad-header-line', 'a NUL', answer('X: y\0')],
  ['bad-header-line', 'a control character', answer('X: \x01')],
  ['bad-status-line', 'a NUL in the reason', 'HTTP/1.1 200 O\0K\r\n\r\n'],
  ['bad-status-line', 'HTTP/2', 'HTTP/2.0 200 OK\r\n\r\n'],
  ['bad-status-line', 'a status of two digits', 'HTTP/1.1 99 OK\r\n\r\n'],
  ['bad-status-line', 'a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
  ['bad-status-line', 'another protocol', 'SSH-2.0-OpenSSH\r\n'],
  ['bad-status-line', 'an empty line first', `\r\n${answer('Content-Length: 0')}`],
  ['bad-chunk', 'a chunk without a size', `${answer('Transfer-Encoding: chunked')}\r\n`],
  ['bad-chunk', 'a chunk of an odd size', `${answer('Transfer-Encoding: chunked')}0x5\r\nhello\r\n`],
  ['bad-chunk', 'a negative chunk', `${answer('Transfer-Encoding: chunked')}-5\r\n`],
  ['bad-chunk', 'a chunk that is longer than it says', `${answer('Transfer-Encoding: chunked')}4\r\nhello\r\n`],
  ['bad-chunk', 'a size line ended by a bare line feed', `${answer('Transfer-Encoding: chunked')}5\nhello\r\n`],
  ['bad-chunk', 'a size beyond all numbers', `${answer('Transfer-Encoding: chunked')}${'f'.repeat(14)}\r\n`],
  ['bad-chunk', 'extensions without end', `${answer('Transfer-Encoding: chunked')}1;${'x'.repeat(20_000)}`],
  ['bad-header-line', 'a malformed trailer', `${answer('Transfer-Encoding: chunked')}0\r\nX\r\n\r\n`],
  [
    'head-too-large',
    'trailers without end',
    `${answer('Transfer-Encoding: chunked')}0\r\nX: ${'x'.repeat(MOST_BYTES)}`,
  ],
  ['head-too-large', 'a head without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(MOST_BYTES)}`],
  ['too-many-interim-answers', 'interim answers without end', lines('HTTP/1.1 102 Go', '').repeat(33)],
  ['last-interim-answer', 'an interim answer in HTTP/1.0', `HTTP/1.0 103 Go\r\n\r\n${answer('Content-Length: 0')}`],
  [
    'last-interim-answer',
    'an interim answer that ends its connection',
    `${lines('HTTP/1.1 103 Go', 'Connection: close', '')}${answer('Content-Length: 0')}`,
  ],
  ['unasked-upgrade', 'a change of protocol', lines('HTTP/1.1 101 Go', 'Upgrade: websocket', '')],
];

describe('an answer', () => {
  it.each(ANSWERS)('is read whole when it has %s', (_what, text, method) => {
    const [reading, isOpen] = [read(text, { method }), read(text, { method, ends: false }).outcome === 'unfinished'];
    expect([reading.outcome, reading.rest]).toEqual(['done', '']);
    expect(isOpen).toBe(/all of it|old/.test(text));
  });

  it.each(ANSWERS)('means the same wherever it was cut: %s', (_what, text, method) => {
    const whole = read(text, { method });
    for (let cut = 0; cut <= text.length; cut += 1) {
      expect(readPieces([bytesOf(text.slice(0, cut)), bytesOf(text.slice(cut))], { method })).toEqual(whole);
    }
    const single = [...text].map(bytesOf);
    expect(readPieces(single, { method })).toEqual(whole);
  });

  it.each(ANSWERS)('is unfinished without its last byte: %s', (_what, text, method) => {
    const { outcome } = read(text.slice(0, -1), { method, ends: !/all of it|old/.test(text) });
    expect(outcome).toBe('unfinished');
  });

  it.each(REFUSED)('is refused as %s with %s, wherever it was cut', (fault, _what, text) => {
    expect(read(text).outcome).toBe(fault);
    for (let cut = 0; cut <= Math.min(text.length, 200); cut += 1) {
      expect(readPieces([bytesOf(text.slice(0, cut)), bytesOf(text.slice(cut))]).outcome).toBe(fault);
    }
  });

  it('ends where it says: what follows is not its own', () => {
    expect(read(`${answer('Content-Length: 2')}okHTTP/1.1 200`)).toMatchObject({ body: 'ok', rest: 'HTTP/1.1 200' });
    expect(read(`${answer('Transfer-Encoding: chunked')}0\r\n\r\nmore`)).toMatchObject({
      outcome: 'done',
      rest: 'more',
    });
    expect(read(`${lines('HTTP/1.1 204 None', '')}more`)).toMatchObject({ body: '', rest: 'more' });
  });

  it('may change the protocol only to what was asked for', () => {
    const text = `${lines('HTTP/1.1 101 Go', 'Connection: Upgrade', 'Upgrade: WebSocket', '')}frame`;
    expect(read(text, { upgrade: 'websocket' })).toMatchObject({ outcome: 'done', rest: 'frame' });
    expect(read(text, { upgrade: 'other' }).outcome).toBe('unasked-upgrade');
  });

  it('is read like any other when its head is the same as the last one’s', () => {
    const parser = new AnswerParser(MOST_BYTES);
    const first = readPieces([bytesOf(`${answer('Content-Length: 2')}ab`)], {}, parser);
    const second = readPieces([bytesOf(`${answer('Content-Length: 2')}cd`)], {}, parser);
    const head = readPieces([bytesOf(answer('Content-Length: 2'))], { method: 'HEAD' }, parser);
    expect([first.body, second.body, head.body, head.outcome]).toEqual(['ab', 'cd', '', 'done']);
    expect(second.head).toBe(first.head);
  });

  it.each([
    ['HTTP/1.1 200 OK\r\n', true],
    ['HTTP/1.1 200 OK\r\nConnection: close\r\n', false],
    ['HTTP/1.1 200 OK\r\nConnection: x, Close\r\n', false],
    ['HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: close\r\n', false],
    ['HTTP/1.0 200 OK\r\n', false],
    ['HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n', true],
  ])('says whether its connection goes on: %j is %s', (text, isPersistent) => {
    expect(read(`${text}Content-Length: 0\r\n\r\n`).head?.isPersistent).toBe(isPersistent);
  });

  it.each([
    ['timeout=5, max=100', 5],
    ['max=100,timeout=15', 15],
    ['timeout=x', -1],
  ])('says how long its connection is kept: %j', (value, seconds) => {
    expect(read(answer(`Keep-Alive: ${value}`, 'Content-Length: 0')).head?.keepAliveSeconds).toBe(seconds);
  });
});

/** What Node's own client makes of the bytes: status, raw headers, body, trailers; or that it refuses them. */
async function asNodeReads(port: number): Promise<string> {
  const request = http.get({ host: '127.0.0.1', port, agent: false, maxHeaderSize: 64 * 1024 });
  // Bytes behind a complete answer are an error of their own.
  request.on('error', () => undefined);
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const body = Buffer.concat(await response.toArray()).toString('latin1');
    return JSON.stringify([response.statusCode, response.rawHeaders, body, response.rawTrailers]);
  } catch {
    return 'refused';
  } finally {
    request.destroy();
  }
}

function asWeRead(text: string): string {
  const parser = new AnswerParser(MOST_BYTES);
  const { head, body, outcome } = readPieces([bytesOf(text)], {}, parser);
  if (outcome !== 'done') return 'refused';
  return JSON.stringify([head?.status, head?.headers, body, head?.isChunked === true ? parser.trailers : []]);
}

/** A tab behind a length, which RFC 9110 section 5.6.3 allows, and what stands in extensions of chunks, which nobody reads. */
const NODE_IS_STRICTER = [/^Content-Length:.*\t/im, /^[0-9a-f]+;(?!a="b"\r)/im];

describe('beside Node’s own parser', () => {
  let bytes: Buffer = Buffer.alloc(0);
  const server = net.createServer((socket) =>
    socket.on('error', () => undefined).once('data', () => socket.end(bytes)),
  );
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const isSame = async (text: string): Promise<void> => {
    const ours = asWeRead(text);
    if (ours === 'refused' || NODE_IS_STRICTER.some((form) => form.test(text))) return;
    bytes = bytesOf(text);
    expect(ours).toBe(await asNodeReads((server.address() as AddressInfo).port));
  };

  it('reads the same in every answer that both accept, and never one that Node refuses', async () => {
    const texts = ANSWERS.filter(([, , method]) => method === 'GET').map(([, text]) => text);
    for (const text of texts) await isSame(text);
    const oddity = fc.constantFrom(
      '\r',
      '\n',
      '\0',
      ' ',
      '\t',
      ':',
      ';',
      ',',
      '0',
      '1',
      'f',
      'x',
      '\x7f',
      '\xff',
      '\r\n',
    );
    const change = fc.tuple(fc.nat(), fc.nat(2), oddity);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...texts), fc.array(change, { maxLength: 3 }), async (text, changes) => {
        let changed = text;
        for (const [place, removed, put] of changes) {
          const at = place % (changed.length + 1);
          changed = changed.slice(0, at) + put + changed.slice(at + removed);
        }
        await isSame(changed);
      }),
      { numRuns: 1_000 },
    );
  });
});
