/**
 * Node skips characters outside the alphabet and ignores spare bits at the end, so several texts decode alike. Encoding
 * back and comparing admits one text per value; undefined for any other.
 */
export function decodeBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
