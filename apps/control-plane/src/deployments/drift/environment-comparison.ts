import type { ChangeRecord, ChannelMirror, IdentityKind } from '#libs/config-distribution';
import type { Queryable } from '../../persistence/secret-vault.ts';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import { compareIdentity, unrecordedIdentity } from './compare-identities.ts';
import { compareArtifact, compareRecord } from './compare-proxies.ts';
import { proxyInRedis, type DriftFinding } from './drift-finding.ts';
import {
  toldIdentities,
  toldOfSubjects,
  wishedOfSubjects,
  type IdentityPlace,
  type ToldIdentity,
} from './recorded-identities.ts';
import { recordedOf, recordedProxies, type RecordedProxy } from './recorded-proxies.ts';

export const IDENTITY_KINDS: readonly IdentityKind[] = ['client', 'credential', 'orders'];
/** Where a pass over the identities begins. */
export const FIRST_IDENTITY: IdentityPlace = { kind: '', subject: '' };

/** What was looked at, and what of it differs. */
export interface Compared<Place> {
  readonly findings: readonly DriftFinding[];
  /** How many were looked at. */
  readonly count: number;
  /** Where the next page begins; undefined: this was the last one. */
  readonly next: Place | undefined;
}

/** How the whole log compares with the record. */
export interface ComparedRecords {
  readonly findings: readonly DriftFinding[];
  /** Proxies that an operator knows. */
  readonly count: number;
  /** Whether everything that was ever given out stands in this log: what gateways serve follows from it. */
  readonly isComplete: boolean;
}

/**
 * Compares the Redis of an environment with what is recorded. What is recorded is read before and after Redis is looked at:
 * a difference counts only where nothing was wished and nothing ended in between.
 */
export class EnvironmentComparison {
  constructor(
    private readonly database: Queryable,
    private readonly environment: EnvironmentChannel,
  ) {}

  /** Every proxy's newest record. @param read brings the mirror up to date, false: it cannot be read. */
  async records(mirror: ChannelMirror, read: () => Promise<boolean>): Promise<ComparedRecords> {
    const before = await recordedProxies(this.database, this.environmentId);
    if (!(await read())) return { findings: [], count: before.length, isComplete: false };
    const findings = await this.differences(before, mirror, [...mirror.changes.values()]);
    const isComplete = before.every(({ isKnownThere, proxyId }) => !isKnownThere || mirror.changes.has(proxyId));
    return { findings, count: before.length, isComplete };
  }

  /** One proxy's newest record. @param read as above */
  async record(proxyId: string, mirror: ChannelMirror, read: () => Promise<boolean>): Promise<DriftFinding[]> {
    const before = await this.recordedNow([proxyId]);
    if (!(await read())) return [];
    const held = mirror.changes.get(proxyId);
    return this.differences([...before.values()], mirror, held === undefined ? [] : [held]);
  }

  /** What is held is all that is, or what is of the proxies that were recorded before. */
  private async differences(
    before: readonly RecordedProxy[],
    mirror: ChannelMirror,
    held: readonly ChangeRecord[],
  ): Promise<DriftFinding[]> {
    const suspects = before.filter((one) => compareRecord(one, mirror.changes.get(one.proxyId)) !== undefined);
    const known = new Set(before.map(({ proxyId }) => proxyId));
    const strangers = held.filter(({ proxyId, kind }) => !known.has(proxyId) && kind === 'artifact');
    const ids = [...suspects, ...strangers].map(({ proxyId }) => proxyId);
    const after = await this.recordedNow(ids);
    const findings = suspects.flatMap((one) => {
      const same = stillTheSame(one, after.get(one.proxyId));
      return (same && compareRecord(same, mirror.changes.get(one.proxyId))) ?? [];
    });
    const unknown = strangers
      .filter(({ proxyId }) => !after.has(proxyId))
      .map(({ proxyId, deployment }) =>
        proxyInRedis(proxyId, { problem: 'not-recorded', recorded: null, found: deployment }),
      );
    return [...findings, ...unknown];
  }

  /** A page of artifacts, in the order of proxy ids. @param after '' at first. */
  async artifacts(after: string, limit: number): Promise<Compared<string>> {
    const { channel, keys } = this.environment;
    const before = await recordedProxies(this.database, this.environmentId, { after, limit });
    const wanted = before.filter(({ published }) => published?.kind === 'publish');
    const stored = await channel.artifacts(wanted.map(({ proxyId }) => proxyId));
    const suspects = wanted.flatMap((one) => {
      const finding = compareArtifact(keys, one, stored.get(one.proxyId));
      return finding === undefined ? [] : [{ one, finding }];
    });
    const now = await this.recordedNow(suspects.map(({ one }) => one.proxyId));
    const findings = suspects.flatMap(({ one, finding }) => (stillTheSame(one, now.get(one.proxyId)) ? [finding] : []));
    return { findings, count: wanted.length, next: before.length < limit ? undefined : before.at(-1)?.proxyId };
  }

  /** A page of those whom the environment was told of. */
  async identities(after: IdentityPlace, limit: number): Promise<Compared<IdentityPlace>> {
    const before = await toldIdentities(this.database, this.environmentId, { after, limit });
    const findings: DriftFinding[] = [];
    for (const kind of IDENTITY_KINDS) {
      const told = before.filter((one) => one.kind === kind);
      if (told.length > 0) findings.push(...(await this.identitiesOf(kind, told)));
    }
    return { findings, count: before.length, next: before.length < limit ? undefined : before.at(-1) };
  }

  /** A part of those who are in Redis and of whom nothing is recorded. @param cursor '0' at first */
  async strangers(kind: IdentityKind, cursor: string): Promise<Compared<string>> {
    const { channel, keys } = this.environment;
    const { cursor: next, found } = await channel.scanIdentities(kind, cursor);
    const subjects = found.map(({ subject }) => subject);
    // A wish ends in the moment in which it is noted as told.
    const wished = await wishedOfSubjects(this.database, this.environmentId, kind, subjects);
    const told = await toldOfSubjects(this.database, this.environmentId, kind, subjects);
    const recorded = new Set([...told.map(({ subject }) => subject), ...wished]);
    const strangers = found.filter(({ subject }) => !recorded.has(subject));
    const findings = strangers.flatMap((stored) => unrecordedIdentity(keys, stored) ?? []);
    return { findings, count: found.length, next: next === '0' ? undefined : next };
  }

  private async identitiesOf(kind: IdentityKind, told: readonly ToldIdentity[]): Promise<DriftFinding[]> {
    const { channel, keys } = this.environment;
    const { found: stored } = await channel.identities(
      kind,
      told.map(({ subject }) => subject),
    );
    const suspects = told.filter((one) => compareIdentity(keys, one, stored.get(one.subject)) !== undefined);
    if (suspects.length === 0) return [];
    const subjects = suspects.map(({ subject }) => subject);
    const now = await toldOfSubjects(this.database, this.environmentId, kind, subjects);
    const versions = new Map(suspects.map(({ subject, version }) => [subject, version]));
    return now
      .filter(({ subject, version }) => versions.get(subject) === version)
      .flatMap((one) => compareIdentity(keys, one, stored.get(one.subject)) ?? []);
  }

  private get environmentId(): string {
    return this.environment.environmentId;
  }

  private async recordedNow(proxyIds: readonly string[]): Promise<ReadonlyMap<string, RecordedProxy>> {
    if (proxyIds.length === 0) return new Map<string, RecordedProxy>();
    return recordedOf(this.database, this.environmentId, proxyIds);
  }
}

/** The later reading, when nothing was wished and nothing ended since the earlier one. */
function stillTheSame(before: RecordedProxy, now: RecordedProxy | undefined): RecordedProxy | undefined {
  if (now === undefined || now.newest !== before.newest) return undefined;
  return now.published?.deployment === before.published?.deployment && now.published?.hash === before.published?.hash
    ? now
    : undefined;
}
