import type { ProxyArtifact } from '#libs/policy-contracts';

/** What to tell people when a proxy is more than each gateway should hold in memory, and Redis twice; names no content. */
export function artifactSizeFault(artifact: ProxyArtifact, maxBytes: number): string | undefined {
  // As long as the canonical text that is published, whose members only stand in another order.
  const bytes = Buffer.byteLength(JSON.stringify(artifact));
  if (bytes <= maxBytes) return undefined;
  return `compiled, the proxy has ${bytes} bytes; ${maxBytes} are allowed (the setting MAX_ARTIFACT_BYTES)`;
}
