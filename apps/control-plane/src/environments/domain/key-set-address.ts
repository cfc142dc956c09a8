/**
 * One spelling per address of a key set, as gateways spell those of policies: `URL.href` without fragment. Undefined: it is
 * no absolute http or https address, or has credentials in it.
 */
export function keySetAddress(text: string): string | undefined {
  // The parser would drop line breaks and tabs, and take `https:host` for an address.
  if (/\s/.test(text) || !/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return undefined;
  url.hash = '';
  return url.href;
}
