import type { ServedConfiguration } from '../config-subscriber/served-configuration.ts';

/** What the admin endpoints may ask of a gateway. */
export interface GatewayStatus {
  readonly environment: string;
  /** One clause without secrets; null: it is ready. */
  readonly notReadyBecause: string | null;
  /** Highest deployment applied. */
  readonly deployment: number;
  readonly configuration: ServedConfiguration | undefined;
}

export const GATEWAY_STATUS = Symbol('GATEWAY_STATUS');
