import type { ClientRequest } from './client-exchange.ts';

export type HeldBody =
  | { readonly kind: 'complete'; readonly body: Buffer }
  | { readonly kind: 'too-large' }
  /** The client went away before the end. */
  | { readonly kind: 'broken' };

/** A form mostly comes in one piece. */
const joined = (pieces: readonly Buffer[], sizeBytes: number): Buffer =>
  pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces, sizeBytes);

/** A body that is in memory already. */
const wholeBody = (body: Buffer | undefined, limitBytes: number): HeldBody =>
  body !== undefined && body.length > limitBytes
    ? { kind: 'too-large' }
    : { kind: 'complete', body: body ?? Buffer.alloc(0) };

/** Takes a whole body into memory, at most `limitBytes` of it. What is above the limit is thrown away unread. */
export function holdBody(source: ClientRequest['body'], limitBytes: number): Promise<HeldBody> {
  if (source === undefined || Buffer.isBuffer(source)) return Promise.resolve(wholeBody(source, limitBytes));
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let sizeBytes = 0;
    let isSettled = false;
    // The first outcome counts, so nobody has to stop listening.
    const settle = (outcome: HeldBody): void => {
      if (isSettled) return;
      isSettled = true;
      resolve(outcome);
    };
    const take = (piece: Buffer): void => {
      sizeBytes += piece.length;
      if (sizeBytes <= limitBytes) return void pieces.push(piece);
      pieces.length = 0;
      settle({ kind: 'too-large' });
    };
    const complete = (): void => settle({ kind: 'complete', body: joined(pieces, sizeBytes) });
    const breakOff = (): void => settle({ kind: 'broken' });
    source.on('data', take).on('end', complete).on('close', breakOff).on('error', breakOff);
  });
}
