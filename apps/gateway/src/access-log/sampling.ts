const ALL = 2 ** 32;

/** FNV-1a, its bits mixed once more: texts that differ in their last character end up far apart. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Whether an exchange is among the share that is written. Decided by its correlation id alone, so that gateways that hand
 * it on to one another choose the same; a client chooses it only where it is a trusted proxy.
 */
export const isSampled = (correlationId: string, rate: number): boolean =>
  rate >= 1 || (rate > 0 && hashOf(correlationId) < rate * ALL);
