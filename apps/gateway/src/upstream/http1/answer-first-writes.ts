import type { Socket } from 'node:net';

type Done = (error?: Error | null) => void;

const CLOSED_CODES: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET']);

/**
 * An upstream may answer before it has all of a request, and close (RFC 9112 section 9.6): then a write fails while its answer
 * may still wait to be read, and Node would throw that away with the socket. So such a failure only stops the writes; the
 * read that finds the end of the connection behind the answer is what counts.
 *
 * @param onClosed called at each failure; false: it is to count as an error after all
 */
export function readAnswerFirst(socket: Socket, onClosed: () => boolean): void {
  const whenWritten =
    (done: Done): Done =>
    (error) => {
      const code = (error as NodeJS.ErrnoException | null | undefined)?.code;
      if (code === undefined || !CLOSED_CODES.has(code) || !onClosed()) done(error);
    };
  const write = socket._write.bind(socket);
  const writeMany = socket._writev?.bind(socket);
  socket._write = (piece, encoding, done) => write(piece, encoding, whenWritten(done));
  if (writeMany !== undefined) socket._writev = (pieces, done) => writeMany(pieces, whenWritten(done));
}
