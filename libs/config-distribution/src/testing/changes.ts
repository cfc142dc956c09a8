import type { ChangeRecord } from '../messages.ts';

export const artifactChange = (
  proxyId: string,
  deployment: number,
  hash = `hash-of-${deployment}`,
): Extract<ChangeRecord, { kind: 'artifact' }> => ({
  kind: 'artifact',
  proxyId,
  project: 'shop',
  proxy: `proxy-${proxyId}`,
  deployment,
  revision: deployment,
  hash,
});

export const tombstone = (proxyId: string, deployment: number): ChangeRecord => ({
  kind: 'tombstone',
  proxyId,
  project: 'shop',
  proxy: `proxy-${proxyId}`,
  deployment,
});
