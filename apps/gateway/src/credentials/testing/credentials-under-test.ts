import { InMemoryConfigChannel, putIdentity, type ChannelKeys, type StoredIdentity } from '#libs/config-distribution';
import { prepareEnvironment, ReplaceableChannel, type PreparedEnvironment } from '#libs/config-distribution/testing';
import type { CredentialRecord } from '#libs/policy-contracts';
import type { CredentialStanding, CredentialUse } from '#libs/policy-runtime';
import type { SnapshotFault } from '../../config-subscriber/snapshot/snapshot-store.ts';
import { CredentialFiles } from '../credential-files.ts';
import { GatewayCredentials, type ReadOutcome } from '../gateway-credentials.ts';
import { KeptCredentials } from '../kept-credentials.ts';
import { CREDENTIAL_LIMITS, type CredentialLimits } from '../used-credentials.ts';

const NOON_MS = Date.UTC(2026, 0, 1, 12);

/** A credential with access to `shop/orders`, but for what is changed. */
export const credentialOf = (username: string, change: Partial<CredentialRecord> = {}): CredentialRecord => ({
  ...{ username, project: 'shop', passwordVerifier: 'scrypt$2$a$b', passwordId: 'password-1', enabled: true },
  ...{ expiresAt: null, roles: [], ipList: [], tokenSettings: null },
  access: [{ project: 'shop', proxy: 'orders', expiresAt: null }],
  ...change,
});

/** The credentials of one gateway process over a Redis that can be taken away, with clocks that the test drives. */
export class CredentialsUnderTest {
  steadyMs = 1_000_000;
  readonly channel = new ReplaceableChannel(new InMemoryConfigChannel());
  keys: ChannelKeys | undefined;
  credentials!: GatewayCredentials;
  readonly outcomes: ReadOutcome[] = [];
  readonly refusals: [problem: string, count: number][] = [];
  readonly faults: SnapshotFault[] = [];
  readonly unexpected: unknown[] = [];
  unwritten = 0;
  /** The names of each read of Redis. */
  readonly reads: (readonly string[])[] = [];
  private version = 0;
  environment!: PreparedEnvironment;
  /** What the control plane seals with. */
  sealing!: ChannelKeys;

  private constructor(private readonly directory: string) {}

  static async start(directory: string, limits: Partial<CredentialLimits> = {}): Promise<CredentialsUnderTest> {
    const rig = new CredentialsUnderTest(directory);
    rig.environment = await prepareEnvironment(rig.channel, 'test');
    await rig.environment.tellOfAll();
    rig.sealing = rig.environment.keys;
    rig.keys = rig.sealing;
    const { identities } = rig.channel;
    rig.channel.identities = (kind, subjects) => {
      rig.reads.push(subjects);
      return identities(kind, subjects);
    };
    rig.begin(limits);
    return rig;
  }

  /** Another process on the same disk. */
  async restart(): Promise<void> {
    this.begin();
    await this.credentials.restore(this.sealing);
  }

  /** As the control plane tells it; null: the user is removed. */
  async tell(username: string, content: CredentialRecord | null, version = this.version + 1): Promise<void> {
    this.version = Math.max(this.version, version);
    await putIdentity(this.channel, this.sealing, { kind: 'credential', subject: username, version, content });
  }

  /** Writes whatever it is over what Redis holds. */
  async plant(record: Omit<StoredIdentity, 'kind'>): Promise<void> {
    const held = await this.channel.server.identity('credential', record.subject);
    await this.channel.server.putIdentity({ kind: 'credential', ...record }, held?.version);
  }

  async stored(username: string): Promise<StoredIdentity> {
    const found = await this.channel.server.identity('credential', username);
    if (found === undefined) throw new RangeError(username);
    return found;
  }

  async look(): Promise<void> {
    await this.credentials.refresh(this.sealing);
    await this.credentials.settle();
  }

  standing(clientId: string, change: Partial<CredentialUse> = {}) {
    const use = { clientId, subject: clientId, project: 'shop', proxy: 'orders', clientAddress: '192.0.2.7' };
    return this.credentials.standingOf({ ...use, nowMs: NOON_MS, ...change });
  }

  /** Of many that are asked about at once. */
  standings(names: readonly string[]): Promise<CredentialStanding[]> {
    return Promise.all(names.map(async (name) => this.standing(name)));
  }

  private begin(limits: Partial<CredentialLimits> = {}): void {
    const journal = {
      snapshotFault: (fault: SnapshotFault) => this.faults.push(fault),
      snapshotNotWritten: () => (this.unwritten += 1),
    };
    this.credentials = new GatewayCredentials({
      channel: this.channel,
      keys: () => this.keys,
      kept: new KeptCredentials(new CredentialFiles(this.directory), journal),
      events: {
        onRead: (outcome) => this.outcomes.push(outcome),
        onRefused: (problem, count) => this.refusals.push([problem, count]),
        onUnexpected: (error) => this.unexpected.push(error),
      },
      nowMs: () => this.steadyMs,
      limits: { ...CREDENTIAL_LIMITS, ...limits },
    });
  }
}
