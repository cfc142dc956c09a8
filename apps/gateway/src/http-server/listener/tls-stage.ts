import type { Socket } from 'node:net';
import { TLSSocket, type SecureContext } from 'node:tls';

/** What was agreed on; a client that offers nothing speaks HTTP/1.1. */
export type AgreedProtocol = 'h2' | 'http/1.1';

/** Decrypts a connection. Calls back once, when the handshake is done; a connection on which it fails ends. */
export function runTlsStage(
  socket: Socket,
  secureContext: SecureContext,
  offered: readonly AgreedProtocol[],
  then: (secured: TLSSocket, protocol: AgreedProtocol) => void,
): TLSSocket {
  const secured = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: [...offered] });
  // A failed handshake, or a reset before anybody reads: the connection is destroyed with it.
  secured.on('error', () => undefined);
  secured.once('secure', () => {
    // As Node's own TLS server does: an HTTP/2 session waits for it. That server, fed by its event `connection`, would be the
    // documented way, but does not say which accepted connection a decrypted one was: the PROXY header's source hangs on it.
    Object.assign(secured, { secureConnecting: false });
    then(secured, secured.alpnProtocol === 'h2' ? 'h2' : 'http/1.1');
  });
  return secured;
}
