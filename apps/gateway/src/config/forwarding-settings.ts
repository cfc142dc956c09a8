import type { SettingsReader } from '#libs/program-shell';

export interface ForwardingSettings {
  /** `Forwarded` (RFC 7239) is written for every request, not only where a trusted proxy sent one. */
  readonly addsForwarded: boolean;
}

export const FORWARDED_HEADER_DEFAULT = 'off';

/** Reads what the gateway says to upstreams of the hops before it. */
export const forwardingSettings = (reader: SettingsReader): ForwardingSettings => ({
  addsForwarded: reader.oneOf('FORWARDED_HEADER', ['off', 'on'], FORWARDED_HEADER_DEFAULT) === 'on',
});
