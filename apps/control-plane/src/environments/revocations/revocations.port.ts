import type { TokenRevocation } from '#libs/token-revocations';

export interface RevokingEnvironment {
  readonly environmentId: string;
  readonly environmentName: string;
}

/** What became of a revocation. */
export interface RevocationOutcome {
  /** Whether every gateway that lives obeys it. */
  readonly success: boolean;
  readonly message: string;
  readonly gateways: { readonly live: number; readonly obeying: number; readonly pending: number };
  readonly detailList: readonly { readonly gatewayId: string; readonly success: boolean; readonly detail: string }[];
}

/** The way of revocations to the gateways of an environment. They reach them by themselves, sooner or later. */
export interface RevocationsDelivery {
  /**
   * Tells the environment now and waits until every gateway that lives obeys, at most DEPLOY_TIMEOUT_MS. That its Redis
   * cannot be reached is an outcome.
   */
  deliver(environment: RevokingEnvironment, revocation: TokenRevocation): Promise<RevocationOutcome>;
}
export const REVOCATIONS_DELIVERY = Symbol('REVOCATIONS_DELIVERY');
