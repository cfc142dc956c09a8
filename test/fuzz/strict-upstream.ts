import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { readFrame, type Frame } from './http1-frames.ts';

/** A request as the upstream read it. */
export interface UpstreamRequest {
  /** The same in the header `x-seen` of its answer. */
  readonly number: number;
  readonly head: string;
}

/** Lines that the gateway alone writes: what has them not was smuggled past it. */
const OF_THE_GATEWAY = [/\r\nvia: [^\r\n]*gatewarden/i, /\r\nx-forwarded-for: /i];
const REQUEST_LINE = /^[!#$%&'*+.^_`|~\w-]+ \/[\x21-\x7e]* HTTP\/1\.1\r\n/;

function requestViolation({ head }: Frame): string | undefined {
  if (!REQUEST_LINE.test(head)) return 'a request line that is none';
  if ((head.match(/\r\nhost:/gi) ?? []).length !== 1) return 'a request without exactly one Host';
  const lacking = OF_THE_GATEWAY.filter((line) => !line.test(head));
  return lacking.length === 0 ? undefined : `a request without what the gateway writes: ${lacking.join(', ')}`;
}

/** An upstream that takes nothing but exact HTTP/1.1, and answers each request once and under its number. */
export class StrictUpstream {
  requests: UpstreamRequest[] = [];
  violation: string | undefined;
  private count = 0;
  private readonly sockets = new Set<Socket>();
  private readonly server = net.createServer((socket) => this.serve(socket));

  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Forgets what was seen. */
  begin(): void {
    this.requests = [];
    this.violation = undefined;
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private serve(socket: Socket): void {
    let text = '';
    this.sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => this.sockets.delete(socket));
    socket.setEncoding('latin1').on('data', (piece: string) => {
      text += piece;
      for (let frame = readFrame(text, 'request'); frame !== undefined; frame = readFrame(text, 'request')) {
        if (typeof frame === 'string') return this.refuse(socket, frame);
        text = text.slice(frame.length);
        this.answer(socket, frame);
      }
    });
  }

  private refuse(socket: Socket, fault: string): void {
    this.violation ??= `the upstream got ${fault}`;
    socket.destroy();
  }

  private answer(socket: Socket, frame: Frame): void {
    const fault = requestViolation(frame);
    if (fault !== undefined) return this.refuse(socket, fault);
    this.count += 1;
    this.requests.push({ number: this.count, head: frame.head });
    const body = frame.head.startsWith('HEAD ') ? '' : 'ok';
    socket.write(`HTTP/1.1 200 OK\r\nX-Seen: ${this.count}\r\nContent-Length: 2\r\n\r\n${body}`);
  }
}
