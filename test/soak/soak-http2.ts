import { once } from 'node:events';
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import { ANSWER_WITHIN_MS, readAll, writeInPieces, type SoakAnswer, type SoakQuestion } from './soak-ask.ts';

/** Then another connection is opened, while what is under way on the old one goes on. */
const REQUESTS_OF_A_CONNECTION = 300;

/** Many requests at a time on one connection, which is replaced now and then. */
export class Http2Connection {
  private session: ClientHttp2Session | undefined;
  private asked = 0;

  constructor(
    private readonly origin: string,
    private readonly trusted: string,
  ) {}

  /** @throws Error when no whole answer comes */
  async ask({ path, method = 'GET', headers = {}, body, ...wishes }: SoakQuestion): Promise<SoakAnswer> {
    const pseudo = { ':method': method, ':path': path };
    const length = body === undefined || wishes.chunkBytes !== undefined ? {} : { 'content-length': body.length };
    const stream = this.connected().request({ ...pseudo, ...headers, ...length }, { endStream: body === undefined });
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

  close(): void {
    this.session?.destroy();
  }

  private connected(): ClientHttp2Session {
    this.asked += 1;
    if (this.asked % REQUESTS_OF_A_CONNECTION === 0) {
      this.session?.close();
      this.session = undefined;
    }
    if (this.session === undefined || this.session.closed || this.session.destroyed) {
      this.session = http2.connect(this.origin, { ca: this.trusted });
      // The streams tell of it.
      this.session.on('error', () => undefined);
    }
    return this.session;
  }
}

function leave(stream: ClientHttp2Stream): void {
  stream.on('error', () => undefined);
  stream.close(http2.constants.NGHTTP2_CANCEL);
}
