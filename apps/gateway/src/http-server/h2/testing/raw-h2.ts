import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const FRAME = { DATA: 0, HEADERS: 1, RESET: 3, SETTINGS: 4, GOAWAY: 7 } as const;
const END_OF_STREAM_AND_HEADERS = 0x05;

/** One frame (RFC 9113 section 4.1). */
function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A literal field without indexing, its texts not packed (RFC 7541 section 6.2.2); names and values below 127 octets. */
const field = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);

export interface SeenFrame {
  readonly type: number;
  readonly stream: number;
  /** Error code of a reset or of a GOAWAY. */
  readonly code: number | undefined;
}

/** A client that says in HTTP/2 what no library lets it say. */
export class RawH2 {
  #bytes = Buffer.alloc(0);

  private constructor(private readonly socket: TLSSocket) {
    socket.on('error', () => undefined).write(Buffer.concat([PREFACE, frame(FRAME.SETTINGS, 0, 0)]));
  }

  static async connect(port: number): Promise<RawH2> {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    await once(socket, 'secureConnect');
    return new RawH2(socket);
  }

  request(stream: number, headers: readonly (readonly [string, string])[]): void {
    const block = Buffer.concat(headers.map(([name, value]) => field(name, value)));
    this.socket.write(frame(FRAME.HEADERS, END_OF_STREAM_AND_HEADERS, stream, block));
  }

  reset(stream: number): void {
    this.socket.write(frame(FRAME.RESET, 0, stream, Buffer.from([0, 0, 0, 8])));
  }

  close(): void {
    this.socket.destroy();
  }

  /** The first frame that is one of these; undefined: the connection ended before. */
  async first(types: readonly number[]): Promise<SeenFrame | undefined> {
    for (;;) {
      for (let next = this.#next(); next !== undefined; next = this.#next()) if (types.includes(next.type)) return next;
      const piece = await Promise.race([once(this.socket, 'data'), once(this.socket, 'close').then(() => undefined)]);
      if (piece === undefined) return undefined;
      this.#bytes = Buffer.concat([this.#bytes, piece[0] as Buffer]);
    }
  }

  #next(): SeenFrame | undefined {
    if (this.#bytes.length < 9) return undefined;
    const end = 9 + this.#bytes.readUIntBE(0, 3);
    if (this.#bytes.length < end) return undefined;
    const [type, stream] = [this.#bytes.readUInt8(3), this.#bytes.readUInt32BE(5)];
    const payload = this.#bytes.subarray(9, end);
    this.#bytes = this.#bytes.subarray(end);
    if (type === FRAME.RESET) return { type, stream, code: payload.readUInt32BE(0) };
    return { type, stream, code: type === FRAME.GOAWAY ? payload.readUInt32BE(4) : undefined };
  }
}
