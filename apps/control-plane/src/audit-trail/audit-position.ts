import { z } from 'zod';
import type { GlobalPosition } from '#libs/event-store';

/** Of the numbers that it is made of: a 32-bit and two 64-bit ones. */
const POSITION = /^(\d{1,10})-(\d{1,20})-(\d{1,19})$/;
const [LARGEST_EPOCH, LARGEST_TRANSACTION_ID, LARGEST_SEQUENCE] = [2n ** 31n - 1n, 2n ** 64n - 1n, 2n ** 63n - 1n];

/** A place in the global order as one text; callers keep it and hand it back. */
export const positionText = ({ epoch, transactionId, sequence }: GlobalPosition): string =>
  `${epoch}-${transactionId}-${sequence}`;

function readPosition(text: string): GlobalPosition | undefined {
  const [, epoch, transactionId, sequence] = POSITION.exec(text) ?? [];
  if (epoch === undefined || transactionId === undefined || sequence === undefined) return undefined;
  const isKept =
    BigInt(epoch) <= LARGEST_EPOCH &&
    BigInt(transactionId) <= LARGEST_TRANSACTION_ID &&
    BigInt(sequence) <= LARGEST_SEQUENCE;
  return isKept ? { epoch: Number(epoch), transactionId, sequence } : undefined;
}

export const positionField = z.string().transform((text, context): GlobalPosition => {
  const position = readPosition(text);
  if (position !== undefined) return position;
  context.addIssue({ code: 'custom', message: 'must be the position of a line that was exported' });
  return z.NEVER;
});
