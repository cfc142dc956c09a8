/**
 * Brings the channels of the environments up to what is recorded beside the proxies: key rings, users, proxies' key
 * pairs. It happens by itself within a second; whoever changed something may ask for it at once.
 */
export interface ChannelUpkeep {
  /** Tries now, for a moment; what cannot be done now is done later. Never throws. */
  soon(): Promise<void>;
  /**
   * An environment was deleted: its channel and its queue are closed and removed, as far as they can be reached within a
   * moment. Other processes notice by themselves. Never throws.
   */
  end(environment: { readonly environmentId: string; readonly gatewayKeyIds: readonly string[] }): Promise<void>;
}
export const CHANNEL_UPKEEP = Symbol('CHANNEL_UPKEEP');
