import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type {
  LogPosition,
  StoredArtifact,
  StoredCheckpoint,
  StoredLastGood,
  StoredLease,
  StoredRecord,
} from './config-channel.port.ts';
import { parsedJson } from './parsed-json.ts';
import type { ChannelKeys } from './sealing/sealed-box.ts';

const change = {
  proxyId: z.string().min(1),
  project: z.string(),
  proxy: z.string(),
  deployment: z.int().min(1),
};
const changeRecord = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('artifact'), ...change, revision: z.int().min(1), hash: z.string() }),
  z.strictObject({ kind: z.literal('tombstone'), ...change }),
]);
const lastGood = z.object({
  ...{ project: z.string(), proxy: z.string() },
  ...{ deployment: z.int().min(1), revision: z.int().min(1), hash: z.string() },
});
const manifest = z.strictObject({ epoch: z.string(), sequence: z.int().min(0), changes: z.array(changeRecord) });
const position = z.strictObject({ epoch: z.string(), sequence: z.int().min(0) });
const keySetNote = z.object({
  proxyId: z.string(),
  deployment: z.int().min(1),
  /** Without query string: it may hold a secret. */
  address: z.string(),
  state: z.enum(['fetching', 'failed']),
  /** Of a failed fetch: `unreachable ECONNREFUSED`, `http-status 503`. */
  reason: z.string().optional(),
});
/** Not strict: a gateway of another version may say more. */
const leaseState = z.object({
  gatewayId: z.string(),
  programVersion: z.string(),
  address: z.string(),
  startedAt: z.string(),
  /**
   * When it was renewed, by the clock of Redis: an old lease that somebody puts back is told by it. Gateways of earlier builds
   * do not say it.
   */
  renewedAtMs: z.number().optional(),
  /** What stands before every path it serves; gateways of earlier builds do not say it. */
  rootContext: z.string().optional(),
  deployment: z.int().min(0),
  loaded: position.nullable(),
  handled: z.array(z.int()),
  /** Gateways of earlier builds do not say it. */
  unsettled: z.array(z.int()).default([]),
  /** With reasons: the newest so many of them. */
  rejected: z.array(z.strictObject({ proxyId: z.string(), deployment: z.int(), reason: z.string() })),
  /** All of them by number. Gateways of earlier builds do not say it: theirs are all in `rejected`. */
  rejectedDeployments: z.array(z.int()).optional(),
  /** What it really serves of proxies whose newest change it has not applied; a deployment of 0: nothing. */
  holdsInstead: z.array(z.object({ proxyId: z.string(), deployment: z.int().min(0) })).optional(),
  /** Of everything that it really serves; see `ServedDigest`. */
  served: z.object({ proxies: z.int().min(0), digest: z.string() }).optional(),
  /** Version of the standing orders that it obeys, by what they are about. Gateways of earlier builds do not say it. */
  obeys: z.record(z.string(), z.int().min(0)).optional(),
  /** Key sets by address that a deployment of `handled` brought and that are not there (yet). */
  keySetNotes: z.array(keySetNote).optional(),
});

/** One change of an environment: a proxy's newest artifact by hash, or that it is gone. */
export type ChangeRecord = z.infer<typeof changeRecord>;

/** Every proxy's newest change at a place in the log; tombstones included, so that nothing older comes back. */
export type Manifest = z.infer<typeof manifest>;

/**
 * How far a gateway is. `handled` and `rejected` answer single deployments, `loaded` all up to a place at once, but for
 * those `unsettled`: seen, and neither applied nor rejected, since they cannot be read.
 */
export type LeaseState = z.infer<typeof leaseState>;

/** What a gateway says of a key set that a deployment brought: a warning, never a rejection. */
export type KeySetNote = z.infer<typeof keySetNote>;

function read<Value>(schema: z.ZodType<Value>, text: string | undefined): Value | undefined {
  const parsed = schema.safeParse(parsedJson(text));
  return parsed.success ? parsed.data : undefined;
}

const recordPlace = (proxyId: string, deployment: number) => ({
  purpose: 'record',
  subject: proxyId,
  version: deployment,
});

export const sealRecord = (keys: ChannelKeys, record: ChangeRecord): string =>
  keys.seal(recordPlace(record.proxyId, record.deployment), JSON.stringify(record));

/** The record, or undefined when it is not one that the control plane sealed for this proxy and deployment. */
export const openRecord = (keys: ChannelKeys, stored: StoredRecord): ChangeRecord | undefined =>
  read(changeRecord, keys.open(recordPlace(stored.proxyId, stored.deployment), stored.sealed));

const artifactPlace = (proxyId: string, deployment: number) => ({
  purpose: 'artifact',
  subject: proxyId,
  version: deployment,
});

export const sealArtifact = (keys: ChannelKeys, change: ChangeRecord, text: string): string =>
  keys.seal(artifactPlace(change.proxyId, change.deployment), text);

/** The artifact's text, or undefined when it was not sealed for this proxy and deployment. */
export const openArtifact = (keys: ChannelKeys, proxyId: string, stored: StoredArtifact): string | undefined =>
  keys.open(artifactPlace(proxyId, stored.deployment), stored.sealed);

/** An earlier deployment of a proxy that gateways applied: what one takes that cannot apply the newest. */
export type LastGood = z.infer<typeof lastGood>;

const lastGoodPlace = (proxyId: string, beside: number) => ({
  purpose: 'last-good',
  subject: proxyId,
  version: beside,
});

/** Says for one deployment of a proxy, and for no other, which earlier one stands in for it. Has no blanks. */
export const sealLastGood = (keys: ChannelKeys, change: ChangeRecord, content: LastGood): string =>
  keys.seal(lastGoodPlace(change.proxyId, change.deployment), JSON.stringify(content));

/** The note, or undefined when it was not sealed for this proxy and the deployment beside which it stands. */
export const openLastGood = (keys: ChannelKeys, proxyId: string, stored: StoredLastGood): LastGood | undefined =>
  read(lastGood, keys.open(lastGoodPlace(proxyId, stored.beside), stored.note));

/** The `hash` of a change record: equal for equal artifacts, and of no use to somebody who guesses at secrets in them. */
export const artifactHash = (keys: ChannelKeys, text: string): string =>
  createHmac('sha256', keys.keyFor('artifact-hash')).update(text).digest('hex');

const manifestPlace = (at: LogPosition) => ({ purpose: 'manifest', subject: at.epoch, version: at.sequence });

export const sealManifest = (keys: ChannelKeys, content: Manifest): string =>
  keys.seal(manifestPlace(content), JSON.stringify(content));

export const openManifest = (keys: ChannelKeys, stored: StoredCheckpoint): Manifest | undefined =>
  read(manifest, keys.open(manifestPlace(stored.position), stored.sealed));

const leasePlace = (gatewayId: string) => ({ purpose: 'lease', subject: gatewayId, version: 1 });

export const sealLease = (keys: ChannelKeys, state: LeaseState): string =>
  keys.seal(leasePlace(state.gatewayId), JSON.stringify(state));

/** Whether it was sealed for this gateway, in whatever build's form. */
export const isSealedLease = (keys: ChannelKeys, stored: StoredLease): boolean =>
  keys.open(leasePlace(stored.gatewayId), stored.sealed) !== undefined;

export const openLease = (keys: ChannelKeys, stored: StoredLease): LeaseState | undefined =>
  read(leaseState, keys.open(leasePlace(stored.gatewayId), stored.sealed));
