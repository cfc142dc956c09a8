import { ChannelKeys, unwrapRootKey, type ConfigChannel, type GatewayKey } from '#libs/config-distribution';

export interface Admitted {
  readonly keys: ChannelKeys;
  /** The entry of the key ring that admitted, as it was received. */
  readonly wrapped: string;
}

export type AdmissionOutcome =
  | ({ readonly kind: 'admitted' } & Admitted)
  /** The environment has nothing in its Redis yet. */
  | { readonly kind: 'nothing-there' }
  | {
      readonly kind: 'refused';
      readonly reason: string;
      /** Epoch of the log that is there without an entry of this key; undefined when there is one that does not fit. */
      readonly log?: string | undefined;
    };

/** How a gateway gets the keys of its environment: its own key unwraps an entry of the key ring. */
export class EnvironmentAdmission {
  constructor(
    private readonly environment: string,
    private readonly gatewayKey: GatewayKey,
  ) {}

  get keyId(): string {
    return this.gatewayKey.keyId;
  }

  /** Undefined when the entry is not for this environment and key. */
  open(wrapped: string): Admitted | undefined {
    const rootKey = unwrapRootKey(this.environment, this.gatewayKey, wrapped);
    return rootKey && { keys: new ChannelKeys(this.environment, rootKey), wrapped };
  }

  /**
   * Asks the key ring in Redis.
   *
   * @param known keys that a snapshot gave, which Redis must agree with
   * @throws ChannelUnavailable
   */
  async ask(channel: ConfigChannel, known: ChannelKeys | undefined): Promise<AdmissionOutcome> {
    const { wrapped, epoch } = await this.entry(channel);
    if (wrapped === undefined && epoch === undefined) return { kind: 'nothing-there' };
    if (wrapped === undefined) return { ...this.refuse('is not in the key ring of'), log: epoch };
    const admitted = this.open(wrapped);
    if (admitted === undefined) return this.refuse('does not open its entry in the key ring of');
    if (known !== undefined && !known.keyFor('record').equals(admitted.keys.keyFor('record'))) {
      return { kind: 'refused', reason: 'SNAPSHOT_DIR belongs to another environment of the same name: remove it' };
    }
    return { kind: 'admitted', ...admitted };
  }

  /** `epoch` of the log where there is no entry. Read again behind the log: a repair may just have brought both back. */
  private async entry(channel: ConfigChannel): Promise<{ wrapped: string | undefined; epoch?: string | undefined }> {
    const wrapped = await channel.keyRingEntry(this.keyId);
    if (wrapped !== undefined) return { wrapped };
    const epoch = (await channel.position())?.epoch;
    return { wrapped: epoch === undefined ? undefined : await channel.keyRingEntry(this.keyId), epoch };
  }

  private refuse(what: string): Extract<AdmissionOutcome, { kind: 'refused' }> {
    const reason = `GATEWAY_KEY (id ${this.keyId}) ${what} environment ${this.environment}: was it revoked or mistyped?`;
    return { kind: 'refused', reason };
  }
}
