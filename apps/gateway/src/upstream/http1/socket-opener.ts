import { connect as connectTcp, isIP, type LookupFunction, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls';
import type { UpstreamCredentials } from '../upstream-credentials.ts';
import type { SocketOpener } from './connection-options.ts';

export interface OpenerOptions {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly port: number;
  /** Decides which addresses may be contacted. */
  readonly lookup: LookupFunction;
  readonly credentials: UpstreamCredentials;
}

/** Each direction ends by itself: only after 101 does that matter, but then it cannot be changed any more. */
const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true } as const;

class TcpOpener implements SocketOpener {
  constructor(
    private readonly host: string,
    private readonly options: OpenerOptions,
  ) {}

  open(onread: OnReadOpts): { socket: Socket; ready: 'connect' } {
    const { port, lookup } = this.options;
    return { socket: connectTcp({ ...SOCKET_OPTIONS, host: this.host, port, lookup, onread }), ready: 'connect' };
  }
}

/** The certificate is always verified, for the address's host. A session is used again while the credentials are the same. */
class TlsOpener implements SocketOpener {
  #session: Buffer | undefined;
  #sessionOf: unknown;

  constructor(
    private readonly host: string,
    private readonly options: OpenerOptions,
  ) {}

  open(onread: OnReadOpts): { socket: Socket; ready: 'secureConnect' } {
    const { port, lookup, credentials } = this.options;
    const secureContext = credentials.context();
    if (this.#sessionOf !== secureContext) this.#session = undefined;
    this.#sessionOf = secureContext;
    const options: TlsOptions & { onread: OnReadOpts } = {
      ...SOCKET_OPTIONS,
      ...{ host: this.host, port, lookup, secureContext, onread },
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
    };
    // RFC 6066 section 3: a server name is never an IP address.
    if (isIP(this.host) === 0) options.servername = this.host;
    if (this.#session !== undefined) options.session = this.#session;
    const socket = connectTls(options);
    socket.setNoDelay(true).on('session', (session) => {
      if (this.#sessionOf === secureContext) this.#session = session;
    });
    return { socket, ready: 'secureConnect' };
  }
}

export function socketOpener(options: OpenerOptions): SocketOpener {
  const { protocol, hostname } = new URL(options.origin);
  const host = hostname.replace(/^\[|\]$/g, '');
  return protocol === 'https:' ? new TlsOpener(host, options) : new TcpOpener(host, options);
}
