import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Rig, proxyOf } from './testing/rig.ts';

interface Arrived {
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

/**
 * One character of `request` is one byte. `broken`: whatever is answered, nothing arrives that looks complete. `passes or
 * 400`: the parsers of Node's releases differ, and either is right.
 */
interface DoorCase {
  readonly name: string;
  readonly request: string;
  readonly expect: number | readonly number[] | 'passes' | 'broken' | 'passes or 400';
  readonly why: string;
  readonly arrives?: readonly Arrived[];
}

const CASES = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../../../../test/conformance/http1-door-cases.json'), 'utf8'),
) as readonly DoorCase[];

const REQUEST_LINE = /^([A-Z]+) (\S+) HTTP\/1\.1$/;
const SMALL = 1_000;

/** The body at the start of `rest` and where it ends; undefined: not all of it is there. */
function chunkedBody(rest: string): readonly [body: string, length: number] | undefined {
  let body = '';
  for (let at = 0; ;) {
    const found = /^([0-9a-f]+)\r\n/i.exec(rest.slice(at));
    if (found === null) return undefined;
    const size = Number.parseInt(found[1] ?? '', 16);
    at += found[0].length;
    if (size === 0) {
      const end = rest.startsWith('\r\n', at) ? at : rest.indexOf('\r\n\r\n', at) + 2;
      return end === 1 ? undefined : [body, end + 2];
    }
    if (rest.slice(at + size, at + size + 2) !== '\r\n') return undefined;
    body += rest.slice(at, at + size);
    at += size + 2;
  }
}

/** The body that these headers announce and where it ends; undefined: not all of it is there. @throws at anything odd */
function bodyOf(headers: readonly string[], after: string): readonly [body: string, length: number] | undefined {
  if (headers.some((header) => !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+: /.test(`${header} `))) throw new Error('not a header');
  const values = (name: string) => headers.filter((header) => header.toLowerCase().startsWith(`${name}:`));
  const [lengths, codings] = [values('content-length'), values('transfer-encoding')];
  if (lengths.length + codings.length > 1 || values('host').length !== 1) throw new Error('ambiguous');
  if (codings.length > 0) return chunkedBody(after);
  const declared = Number(lengths[0]?.split(':')[1] ?? '0');
  return after.length < declared ? undefined : [after.slice(0, declared), declared];
}

/** An upstream's whole understanding of HTTP: the complete requests in what came. @throws at anything odd */
function requestsIn(bytes: string): readonly Arrived[] {
  const requests: Arrived[] = [];
  let rest = bytes;
  for (let end = rest.indexOf('\r\n\r\n'); end !== -1; end = rest.indexOf('\r\n\r\n')) {
    const [line = '', ...headers] = rest.slice(0, end).split('\r\n');
    const [, method, target] = REQUEST_LINE.exec(line) ?? [];
    if (method === undefined || target === undefined) throw new Error(`not a request: ${line}`);
    const found = bodyOf(headers, rest.slice(end + 4));
    if (found === undefined) break;
    requests.push({ method, target, body: found[0] });
    rest = rest.slice(end + 4 + found[1]);
  }
  return requests;
}

describe('HTTP/1.1 at the door', () => {
  const rig = new Rig();
  let port: number;
  /** What each connection to the upstream brought in the present case. */
  const connections: { bytes: string; answered: number }[] = [];

  beforeAll(async () => {
    const upstream = await rig.rawServer((socket) => {
      const connection = { bytes: '', answered: 0 };
      connections.push(connection);
      socket.on('data', (piece: Buffer) => {
        connection.bytes += piece.toString('latin1');
        const { length } = requestsIn(connection.bytes);
        for (; connection.answered < length; connection.answered += 1) {
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        }
      });
    });
    const addresses = [`http://127.0.0.1:${upstream.port}`];
    const gateway = await rig.gateway({ proxies: [proxyOf({ addresses, paths: ['/'] })] });
    port = gateway.port;
  });
  afterAll(() => rig.stop());
  /** Everything that was answered until the gateway closed the connection. */
  async function answersTo(request: string, pieceBytes: number): Promise<string> {
    const socket = net.connect(port, '127.0.0.1').setNoDelay(true);
    let answer = '';
    socket.on('error', () => undefined).on('data', (piece: Buffer) => (answer += piece.toString('latin1')));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await once(socket, 'connect');
    for (let at = 0; at < request.length && socket.writable; at += pieceBytes) {
      socket.write(Buffer.from(request.slice(at, at + pieceBytes), 'latin1'));
      await nextTurn();
    }
    await closed;
    return answer;
  }

  const finalStatuses = (answers: string): readonly number[] =>
    [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)).filter((status) => status >= 200);

  function check({ expect: told, arrives: wanted = [] }: DoorCase, answers: string): void {
    const arrived = connections.flatMap(({ bytes }) => requestsIn(bytes));
    const statuses = finalStatuses(answers);
    const isEither = told === 'passes or 400';
    const expected = isEither ? (statuses.includes(200) ? 'passes' : 400) : told;
    const arrives = isEither && expected === 400 ? [] : wanted;
    expect(arrived).toEqual(arrives);
    if (expected === 'passes') expect(statuses).toEqual(arrives.map(() => 200));
    else if (expected === 'broken') expect(statuses).not.toContain(200);
    else {
      expect(statuses).toHaveLength(1);
      expect([expected].flat()).toContain(statuses[0]);
      expect(connections.map(({ bytes }) => bytes).join('')).toBe('');
    }
  }

  it('has enough cases, each with a name of its own', () => {
    expect(CASES.length).toBeGreaterThan(80);
    expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
  });

  it.each(CASES.map((each) => [each.name, each] as const))('%s', async (_name, each) => {
    for (const pieceBytes of [Number.MAX_SAFE_INTEGER, each.request.length > SMALL ? SMALL : 1]) {
      for (const connection of connections) Object.assign(connection, { bytes: '', answered: 0 });
      check(each, await answersTo(each.request, pieceBytes));
    }
  });
});
