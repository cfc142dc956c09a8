import {
  ChannelUnavailable,
  type ChannelKeys,
  type ConfigChannel,
  type IdentityKind,
  type StoredIdentity,
} from '#libs/config-distribution';
import {
  parseClientRecord,
  parseCredentialRecord,
  type ClientRecord,
  type CredentialRecord,
  type Parsed,
} from '#libs/policy-contracts';
import { IdentityUnavailable, type IdentityDirectory } from '../token-endpoint/identity/identity.port.ts';
import { OpenedRecords, type RecordProblem } from './opened-records.ts';
import { RefusedRecords } from './refused-records.ts';

export interface IdentityDirectoryDeps {
  readonly channel: ConfigChannel;
  /** The environment's keys; undefined until the gateway was admitted: nobody can be known then. */
  readonly keys: () => ChannelKeys | undefined;
  /** A record that does not count, once for as long as it stands there: an altered one is as none, before an older one the newest that was read counts. */
  readonly onRefused: (kind: IdentityKind, problem: RecordProblem) => void;
}

/** Clients and users as the control plane sealed them into the environment's Redis, read at token time. */
export class ChannelIdentityDirectory implements IdentityDirectory {
  private readonly opened = new OpenedRecords();
  private readonly refused = new RefusedRecords();

  constructor(private readonly deps: IdentityDirectoryDeps) {}

  async client(clientId: string): Promise<ClientRecord | undefined> {
    const record = await this.find('client', clientId, parseClientRecord);
    return record?.clientId === clientId ? record : undefined;
  }

  async credential(username: string): Promise<CredentialRecord | undefined> {
    const record = await this.find('credential', username, parseCredentialRecord);
    return record?.username === username ? record : undefined;
  }

  private async find<Value>(
    kind: IdentityKind,
    subject: string,
    parse: (content: unknown) => Parsed<Value>,
  ): Promise<Value | undefined> {
    const keys = this.deps.keys();
    if (keys === undefined) throw new IdentityUnavailable();
    const stored = await this.read(kind, subject);
    if (stored === undefined) return undefined;
    const { value, problem } = this.opened.open(keys, { ...stored, kind }, parse);
    if (this.refused.isNews(stored, problem)) this.deps.onRefused(kind, problem);
    return value;
  }

  private async read(kind: IdentityKind, subject: string): Promise<StoredIdentity | undefined> {
    try {
      return (await this.deps.channel.identity(kind, subject)) ?? (await this.readOnceMore(kind, subject));
    } catch (cause) {
      if (cause instanceof ChannelUnavailable) throw new IdentityUnavailable({ cause });
      throw cause;
    }
  }

  /** Nobody is unknown while the environment is being told of everybody: its Redis is new, or has lost its data. */
  private async readOnceMore(kind: IdentityKind, subject: string): Promise<StoredIdentity | undefined> {
    const { found, isToldOfAll } = await this.deps.channel.identities(kind, [subject]);
    const stored = found.get(subject);
    if (stored === undefined && !isToldOfAll) throw new IdentityUnavailable();
    return stored;
  }
}
