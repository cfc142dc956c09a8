import type { Socket } from 'node:net';
import { readProxyHeader } from './proxy-header.ts';

/** What came of waiting for a PROXY header. `source` undefined: the connection's own address counts. */
export type ProxyStageOutcome =
  { readonly ok: true; readonly source: string | undefined } | { readonly ok: false; readonly reason: string };

/** Reads the PROXY header of a connection and puts back what came behind it. Calls back once, unless the connection ends. */
export function readProxyStage(socket: Socket, then: (outcome: ProxyStageOutcome) => void): void {
  let held: Buffer = Buffer.alloc(0);
  const leave = (): void => void socket.destroy();
  const finish = (outcome: ProxyStageOutcome, restFrom: number): void => {
    socket.off('readable', read).off('end', leave);
    if (held.length > restFrom) socket.unshift(held.subarray(restFrom));
    then(outcome);
  };
  const read = (): void => {
    const piece = socket.read() as Buffer | null;
    if (piece === null) return;
    held = held.length === 0 ? piece : Buffer.concat([held, piece]);
    const header = readProxyHeader(held);
    if (header.kind === 'broken') finish({ ok: false, reason: header.reason }, held.length);
    if (header.kind === 'complete') finish({ ok: true, source: header.source }, header.lengthBytes);
  };
  socket.on('readable', read).on('end', leave);
}
