const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * Base64url by the letter of RFC 4648 section 5 without padding: bit by bit, no character but those of the alphabet, and
 * nothing but zeros in the bits that are left over (section 3.5). Slow, and shares no line with what it is compared to.
 */
export function referenceBase64Url(text: string): Buffer | undefined {
  const bits: number[] = [];
  for (const character of text) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) return undefined;
    for (let bit = 5; bit >= 0; bit -= 1) bits.push((value >> bit) & 1);
  }
  const spare = bits.length % 8;
  if (spare > 4 || bits.slice(bits.length - spare).includes(1)) return undefined;
  const bytes: number[] = [];
  for (let at = 0; at + 8 <= bits.length; at += 8) {
    bytes.push(bits.slice(at, at + 8).reduce((byte, bit) => byte * 2 + bit, 0));
  }
  return Buffer.from(bytes);
}
