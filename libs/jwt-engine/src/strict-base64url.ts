/**
 * Decodes base64url, admitting one text per value (RFC 7515 section 2, RFC 4648 section 3.5).
 *
 * Node skips characters outside the alphabet, knows both alphabets and ignores padding and spare trailing
 * bits, so several texts decode alike; encoding back and comparing leaves only the canonical one.
 */
export const decodeBase64Url = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
};
