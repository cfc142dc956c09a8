import type { LogPosition, PublishedChange, StoredArtifact, StoredRecord } from './config-channel.port.ts';
import { parsedJson } from './parsed-json.ts';

/**
 * A longer artifact is not sent along with the hint at its change: every subscriber that falls behind has its hints kept
 * for it in the memory of Redis. A proxy with some policies and keys is a tenth of this, sealed.
 */
export const ARTIFACT_IN_HINT_BYTES = 32 * 1024;
/** No announcement is longer: whoever publishes other texts there must not fill the memory of gateways. */
export const LONGEST_HINT_CHARACTERS = 4 * ARTIFACT_IN_HINT_BYTES;

/** A change as its announcement has it: what is sealed in it can be believed, where it is said to stand can not. */
export interface ChangeHint {
  readonly epoch: string;
  readonly record: StoredRecord;
  /** Undefined with a tombstone, and where it has to be asked for. */
  readonly artifact: StoredArtifact | undefined;
}

/** The text that announces a change; `publish.lua` writes the same. */
export function changeHintText({ epoch, sequence }: LogPosition, change: PublishedChange): string {
  const { proxyId, deployment, record, artifact } = change;
  const announced = artifact !== null && Buffer.byteLength(artifact) <= ARTIFACT_IN_HINT_BYTES ? artifact : '';
  return JSON.stringify([epoch, String(sequence), proxyId, String(deployment), record, announced]);
}

/** Undefined for every other text: then there is nothing but the hint itself. */
export function parseChangeHint(message: string): ChangeHint | undefined {
  const parts: unknown = parsedJson(message);
  if (!Array.isArray(parts) || !parts.every((part) => typeof part === 'string')) return undefined;
  const [epoch, sequence, proxyId, deployment, record, artifact] = parts as readonly string[];
  if (epoch === undefined || proxyId === undefined || record === undefined || artifact === undefined) return undefined;
  const place = { proxyId, deployment: Number(deployment), sequence: Number(sequence) };
  return {
    epoch,
    record: { ...place, sealed: record },
    artifact: artifact === '' ? undefined : { deployment: place.deployment, sealed: artifact },
  };
}
