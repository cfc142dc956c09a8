import type { IncomingMessage } from 'node:http';

export type HeldBody =
  | { readonly kind: 'complete'; readonly body: Buffer }
  | { readonly kind: 'too-large' }
  /** The client went away before the end. */
  | { readonly kind: 'broken' };

/** Takes a whole body into memory, at most `limitBytes` of it. What is above the limit is thrown away unread. */
export function holdBody(request: IncomingMessage, limitBytes: number): Promise<HeldBody> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let sizeBytes = 0;
    const settle = (outcome: HeldBody): void => {
      request.off('data', take).off('end', complete).off('close', breakOff).off('error', breakOff);
      resolve(outcome);
    };
    const take = (piece: Buffer): void => {
      sizeBytes += piece.length;
      if (sizeBytes <= limitBytes) return void pieces.push(piece);
      settle({ kind: 'too-large' });
      request.resume();
    };
    const complete = (): void => settle({ kind: 'complete', body: Buffer.concat(pieces, sizeBytes) });
    const breakOff = (): void => settle({ kind: 'broken' });
    request.on('data', take).on('end', complete).on('close', breakOff).on('error', breakOff);
  });
}
