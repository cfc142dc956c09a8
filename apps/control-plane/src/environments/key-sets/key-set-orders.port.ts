export interface OrderedEnvironment {
  readonly environmentId: string;
  readonly environmentName: string;
}

/** What became of orders about key sets: one item of `resultList`. */
export interface OrdersResult {
  readonly environmentName: string;
  /** Of the orders as a whole: rises with each of them. */
  readonly version: number;
  /** Whether every gateway that lives obeys them. */
  readonly success: boolean;
  readonly message: string;
  readonly gateways: { readonly live: number; readonly obeying: number; readonly pending: number };
  readonly detailList: readonly { readonly gatewayId: string; readonly success: boolean; readonly detail: string }[];
}

/** A gateway that lives, and which version of the orders it obeys; null: it does not say. */
export interface ObeyingGateway {
  readonly gatewayId: string;
  readonly obeys: number | null;
  readonly isObeying: boolean;
}

/** How far the orders of an environment are. */
export interface OrdersReach {
  /** The newest; null: there never were any. */
  readonly version: number | null;
  /** Whether the environment's Redis was given them. */
  readonly isTold: boolean;
  /** null: its Redis cannot be reached. */
  readonly gateways: readonly ObeyingGateway[] | null;
}

/** The way of orders about key sets to the gateways of an environment. They reach them by themselves, sooner or later. */
export interface KeySetOrdersDelivery {
  /**
   * Tells the environment now and waits until every gateway that lives obeys, at most DEPLOY_TIMEOUT_MS. That its Redis
   * cannot be reached is an outcome.
   *
   * @param version see `wishKeySetOrders`.
   */
  deliver(environment: OrderedEnvironment, version: number): Promise<OrdersResult>;
  reachOf(environmentId: string): Promise<OrdersReach>;
  /**
   * Whether a policy that is deployed there fetches its key set from an address; undefined: so many proxies are deployed there
   * that nobody looked.
   */
  isFetchedFrom(environmentId: string, address: string): Promise<boolean | undefined>;
}
export const KEY_SET_ORDERS_DELIVERY = Symbol('KEY_SET_ORDERS_DELIVERY');
