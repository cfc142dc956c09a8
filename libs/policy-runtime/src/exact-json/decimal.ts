/** 0.<digits> × 10^scale; zero has no digits. The digits neither begin nor end with a zero. */
interface Decimal {
  readonly isNegative: boolean;
  readonly digits: string;
  readonly scale: bigint;
}

const NUMBER = /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

function withoutZerosAtEnd(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits[end - 1] === '0') end -= 1;
  return digits.slice(0, end);
}

/** Reads the text of a number as JSON and conditions write it. @throws RangeError for anything else */
function decimalOf(text: string): Decimal {
  const found = NUMBER.exec(text);
  if (found === null) throw new RangeError('not the text of a decimal number');
  const [, sign, whole = '', fraction = '', exponent = '0'] = found;
  const written = whole + fraction;
  const first = written.search(/[1-9]/);
  if (first < 0) return { isNegative: false, digits: '', scale: 0n };
  const digits = withoutZerosAtEnd(written.slice(first));
  return { isNegative: sign === '-', digits, scale: BigInt(whole.length - first) + BigInt(exponent) };
}

/** Of two numbers that are not zero, without their signs. */
function compareMagnitudes(left: Decimal, right: Decimal): number {
  if (left.scale !== right.scale) return left.scale < right.scale ? -1 : 1;
  // No zeros at either end: the digits after the point compare like words.
  return left.digits === right.digits ? 0 : left.digits < right.digits ? -1 : 1;
}

const signOf = ({ digits, isNegative }: Decimal): number => (digits === '' ? 0 : isNegative ? -1 : 1);

/**
 * Compares two numbers by their texts, exactly: 12345678901234567890 is less than 12345678901234567891, and 1.0 is 1e0
 * (`verify-jwt.md` 13.15). Below 0: left is the smaller one.
 */
export function compareDecimals(left: string, right: string): number {
  if (left === right) return 0;
  const [one, other] = [decimalOf(left), decimalOf(right)];
  const sign = signOf(one);
  if (sign !== signOf(other)) return sign - signOf(other);
  return sign === 0 ? 0 : sign * compareMagnitudes(one, other);
}
