import { once } from 'node:events';
import { constants } from 'node:http2';
import { connect, type TLSSocket } from 'node:tls';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RESET: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;
/** RFC 9113 sections 6.1 and 6.2. */
export const FLAG = { NONE: 0, END_OF_STREAM: 0x01, END_OF_HEADERS: 0x04 } as const;
const ONLY_FRAME = FLAG.END_OF_STREAM | FLAG.END_OF_HEADERS;

/** One frame (RFC 9113 section 4.1). */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A literal field without indexing, its texts not packed (RFC 7541 section 6.2.2); names and values below 127 octets. */
export const field = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);

export const fieldBlock = (headers: readonly (readonly [string, string])[]): Buffer =>
  Buffer.concat(headers.map(([name, value]) => field(name, value)));

/** Four octets, as error codes and window sizes are. */
export function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
}

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
    this.send(frame(FRAME.HEADERS, ONLY_FRAME, stream, fieldBlock(headers)));
  }

  /** Takes a request back (CANCEL). */
  reset(stream: number, code: number = constants.NGHTTP2_CANCEL): void {
    this.send(frame(FRAME.RESET, FLAG.NONE, stream, uint32(code)));
  }

  /** Frames as they are; many at once make a flood. */
  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Sends these again and again, as fast as they are taken, until the gateway ends the connection. */
  async flood(...frames: readonly Buffer[]): Promise<void> {
    const bytes = Buffer.concat(frames);
    while (!this.socket.destroyed) await new Promise((taken) => this.socket.write(bytes, taken));
  }

  /** Reads nothing more, not even what the connection itself has to say. */
  stopReading(): void {
    this.socket.pause();
  }

  /** The gateway has ended the connection. */
  async ended(): Promise<void> {
    if (this.socket.destroyed) return;
    // Not `once`: an error on the way is part of the end.
    await new Promise<void>((resolve) => this.socket.resume().once('close', () => resolve()));
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
