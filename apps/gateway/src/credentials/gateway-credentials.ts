import { ChannelUnavailable, type ChannelKeys, type ConfigChannel } from '#libs/config-distribution';
import type { CredentialStanding, CredentialStandings, CredentialUse } from '#libs/policy-runtime';
import type { OwnFault } from '../token-endpoint/identity/user-standing.ts';
import type { KeptCredentials } from './kept-credentials.ts';
import type { KnownCredential, Taken } from './known-credential.ts';
import { CREDENTIAL_LIMITS, UsedCredentials, type CredentialLimits, type UsedCredential } from './used-credentials.ts';

/** What came of the read of a credential that a request needs. */
export type ReadOutcome = 'found' | 'absent' | 'altered' | 'older' | 'failed';

export interface CredentialEvents {
  onRead(outcome: ReadOutcome): void;
  /** Records that were refused: not sealed for their user by the control plane, or older than what is known. */
  onRefused(problem: 'altered' | 'older', count: number): void;
  /** A read failed for another cause than that Redis is away. */
  onUnexpected(error: unknown): void;
}

export interface GatewayCredentialsDeps {
  readonly channel: ConfigChannel;
  /** The environment's keys; undefined until the gateway was admitted. */
  readonly keys: () => ChannelKeys | undefined;
  readonly kept: KeptCredentials;
  readonly events: CredentialEvents;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  readonly limits?: CredentialLimits;
}

const NAMES_PER_READ = 500;

const STANDING: { readonly [Fault in OwnFault]: CredentialStanding } = {
  'disabled-user': 'disabled-credential',
  'expired-user': 'expired-credential',
  'foreign-address': 'foreign-address',
};

const OUTCOME: { readonly [What in Taken]: ReadOutcome } = {
  ...{ same: 'found', news: 'found', absent: 'absent', untold: 'failed', altered: 'altered', older: 'older' },
};

/** What stands against a credential itself. */
function ownStanding({ rule }: KnownCredential, use: CredentialUse): CredentialStanding {
  if (rule === 'unknown') return 'unknown';
  if (rule === undefined) return 'unknown-credential';
  const fault = rule.ownFault(use);
  return fault === undefined ? 'good' : STANDING[fault];
}

/** What stands against a credential, or against the user who logged in through it; for sure before perhaps. */
function standingOf(client: KnownCredential, user: KnownCredential, use: CredentialUse): CredentialStanding {
  const { rule } = client;
  const own = ownStanding(client, use);
  const hasAccess = rule === 'unknown' || rule === undefined || rule.hasAccess(use, use.nowMs);
  const ofClient = own === 'good' && !hasAccess ? 'no-access' : own;
  if (ofClient !== 'good' && ofClient !== 'unknown') return ofClient;
  const ofUser = user === client ? 'good' : ownStanding(user, use);
  return ofUser === 'good' ? ofClient : ofUser;
}

/**
 * Credentials as the control plane sealed them, as far as API calls need them in ACL mode (contract 5): read when one is
 * first used, and from then on with every look at Redis for as long as it is. Between two looks, and while Redis is away, the
 * last known records decide.
 */
export class GatewayCredentials implements CredentialStandings {
  private readonly used: UsedCredentials;
  /** What this turn of the event loop asks for, and the one read of them all. */
  private gathered: { readonly credentials: UsedCredential[]; readonly read: Promise<void> } | undefined;

  constructor(private readonly deps: GatewayCredentialsDeps) {
    this.used = new UsedCredentials(deps.limits ?? CREDENTIAL_LIMITS, (subject) => deps.kept.note(subject));
  }

  /** How many there are that were used lately. */
  get count(): number {
    return this.used.count;
  }

  standingOf(use: CredentialUse): CredentialStanding | Promise<CredentialStanding> {
    const nowMs = this.deps.nowMs();
    const client = this.used.use(use.clientId, nowMs);
    const user = use.subject === use.clientId ? client : this.used.use(use.subject, nowMs);
    if (client.isFollowed && user.isFollowed) return standingOf(client, user, use);
    return Promise.all([this.followed(client), this.followed(user)]).then(() => standingOf(client, user, use));
  }

  /** Brings back what the last run left on disk. What is broken or altered there is reported and ignored. */
  async restore(keys: ChannelKeys): Promise<void> {
    const nowMs = this.deps.nowMs();
    await this.deps.kept.restore(({ subject, record, removal }) => {
      const credential = this.used.use(subject, nowMs);
      const found = { kind: 'credential', subject };
      const isGenuine = record === null || credential.take(keys, { ...found, ...record }) === 'news';
      if (!isGenuine) this.used.forget(subject);
      else if (removal !== null) credential.take(keys, { ...found, version: removal, sealed: null });
      return isGenuine;
    });
  }

  /**
   * Reads again what is followed, and has what is new written to disk; that is not waited for.
   *
   * @throws ChannelUnavailable
   */
  async refresh(keys: ChannelKeys): Promise<void> {
    const followed = this.used.followed(this.deps.nowMs());
    for (let at = 0; at < followed.length; at += NAMES_PER_READ) {
      await this.read(keys, followed.slice(at, at + NAMES_PER_READ));
    }
    this.used.forgetUnused(this.deps.nowMs());
    void this.write();
  }

  /** Fulfils when what is known stands on disk, or could not be written. */
  async settle(): Promise<void> {
    // The first may have begun before the last change.
    await this.write();
    await this.write();
  }

  private write(): Promise<void> {
    return this.deps.kept.write((subject) => this.used.get(subject)?.kept);
  }

  /** Fulfils when a credential was read, or could not be: many that are asked for at once are one read. */
  private followed(credential: UsedCredential): Promise<void> | undefined {
    if (credential.isFollowed) return undefined;
    if (credential.reading !== undefined) return credential.reading;
    this.gathered ??= { credentials: [], read: Promise.resolve().then(() => this.readGathered()) };
    this.gathered.credentials.push(credential);
    credential.reading = this.gathered.read;
    return credential.reading;
  }

  private async readGathered(): Promise<void> {
    const credentials = this.gathered?.credentials ?? [];
    this.gathered = undefined;
    for (const outcome of await this.tryRead(credentials)) this.deps.events.onRead(outcome);
    for (const credential of credentials) {
      credential.reading = undefined;
      // Also where nothing could be read: the next look tries again, and until then no request waits for it.
      credential.isFollowed = true;
    }
  }

  private async tryRead(credentials: readonly UsedCredential[]): Promise<ReadOutcome[]> {
    const keys = this.deps.keys();
    const failed = credentials.map(() => 'failed' as const);
    if (keys === undefined) return failed;
    try {
      return (await this.read(keys, credentials)).map((taken) => OUTCOME[taken]);
    } catch (error) {
      if (!(error instanceof ChannelUnavailable)) this.deps.events.onUnexpected(error);
      return failed;
    }
  }

  /** @throws ChannelUnavailable */
  private async read(keys: ChannelKeys, credentials: readonly UsedCredential[]): Promise<Taken[]> {
    const names = credentials.map(({ subject }) => subject);
    const { found, isToldOfAll } = await this.deps.channel.identities('credential', names);
    const taken = credentials.map((credential) => {
      const stored = found.get(credential.subject);
      const outcome = stored === undefined ? credential.takeNothing(isToldOfAll) : credential.take(keys, stored);
      if (outcome === 'news') this.deps.kept.note(credential.subject);
      return outcome;
    });
    for (const problem of ['altered', 'older'] as const) {
      const count = taken.filter((one) => one === problem).length;
      if (count > 0) this.deps.events.onRefused(problem, count);
    }
    return taken;
  }
}
