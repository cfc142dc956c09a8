import { once } from 'node:events';
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import { ANSWER_WITHIN_MS, readAll, writeInPieces, type SoakAnswer, type SoakQuestion } from './soak-ask.ts';

/** Then another connection is opened, while what is under way on the old one goes on. */
const REQUESTS_OF_A_CONNECTION = 300;

/** One connection, which is closed when everything that was asked on it is over. */
class Session {
  readonly http2: ClientHttp2Session;
  private asked = 0;
  private underWay = 0;
  private isLeft = false;

  constructor(origin: string, trusted: string) {
    this.http2 = http2.connect(origin, { ca: trusted });
    // The streams tell of it.
    this.http2.on('error', () => undefined);
  }

  get takesMore(): boolean {
    return this.asked < REQUESTS_OF_A_CONNECTION && !this.http2.closed && !this.http2.destroyed;
  }

  async during<Answer>(ask: (session: ClientHttp2Session) => Promise<Answer>): Promise<Answer> {
    this.asked += 1;
    this.underWay += 1;
    try {
      return await ask(this.http2);
    } finally {
      this.underWay -= 1;
      this.closeIfOver();
    }
  }

  leave(): void {
    this.isLeft = true;
    this.closeIfOver();
  }

  /**
   * Not earlier: Node's client says that it leaves before it sends a request that was asked a moment before, which the other
   * side then refuses (RFC 9113 section 6.8), and drops what it has not read yet when the other side closes.
   */
  private closeIfOver(): void {
    if (this.isLeft && this.underWay === 0) this.http2.close();
  }
}

/** Many requests at a time on one connection, which is replaced now and then. */
export class Http2Connection {
  private session: Session | undefined;

  constructor(
    private readonly origin: string,
    private readonly trusted: string,
  ) {}

  /** @throws Error when no whole answer comes */
  ask(question: SoakQuestion): Promise<SoakAnswer> {
    return this.connected().during((session) => askOn(session, question));
  }

  close(): void {
    this.session?.http2.destroy();
  }

  private connected(): Session {
    if (this.session?.takesMore === true) return this.session;
    this.session?.leave();
    return (this.session = new Session(this.origin, this.trusted));
  }
}

async function askOn(
  session: ClientHttp2Session,
  { path, method = 'GET', headers = {}, body, ...wishes }: SoakQuestion,
): Promise<SoakAnswer> {
  const pseudo = { ':method': method, ':path': path };
  const length = body === undefined || wishes.chunkBytes !== undefined ? {} : { 'content-length': body.length };
  const stream = session.request({ ...pseudo, ...headers, ...length }, { endStream: body === undefined });
  stream.setTimeout(ANSWER_WITHIN_MS, () =>
    stream.destroy(new Error(`nothing came or went for ${ANSWER_WITHIN_MS} ms`)),
  );
  const answered = once(stream, 'response') as Promise<[IncomingHttpHeaders]>;
  if (body !== undefined) writeInPieces(stream, body, wishes.chunkBytes);
  const [head] = await answered;
  const answer = { status: Number(head[':status']), headers: head };
  if (wishes.leaveAt === 'head') {
    leave(stream);
    return { ...answer, body: Buffer.alloc(0) };
  }
  return { ...answer, body: await readAll(stream, wishes.slowMs) };
}

function leave(stream: ClientHttp2Stream): void {
  stream.on('error', () => undefined);
  stream.close(http2.constants.NGHTTP2_CANCEL);
}
