import { randomBytes, randomUUID } from 'node:crypto';
import { onTexts, type NamedFunctions } from './template-function.ts';

const WHOLE_NUMBER = /^-?\d{1,19}$/;
/** The greatest value of Java's long. */
const MAX_LONG = 2n ** 63n - 1n;

/** `minimum (0), maximum (that of a long)`, both included; twice as many random bits as needed hide the remainder. */
function randomLong(minimum = '0', maximum = String(MAX_LONG)): string {
  if (!WHOLE_NUMBER.test(minimum) || !WHOLE_NUMBER.test(maximum)) return '';
  const [least, most] = [BigInt(minimum), BigInt(maximum)];
  if (least > most || most > MAX_LONG) return '';
  return String(least + (BigInt(`0x${randomBytes(16).toString('hex')}`) % (most - least + 1n)));
}

export const RANDOM_FUNCTIONS: NamedFunctions = [
  ['createUuid', onTexts(0, 0, () => randomUUID())],
  ['randomLong', onTexts(0, 2, randomLong)],
];
