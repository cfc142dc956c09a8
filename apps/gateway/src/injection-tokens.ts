export const GATEWAY_CONFIG = Symbol('GATEWAY_CONFIG');
export const LOGGER = Symbol('LOGGER');
export const GATEWAY_PARTS = Symbol('GATEWAY_PARTS');
/** Fulfils when a connection that waits to be accepted would have come; see `TrafficServer.drain`. */
export const ACCEPT_TURN = Symbol('ACCEPT_TURN');
