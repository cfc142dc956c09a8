export const GATEWAY_CONFIG = Symbol('GATEWAY_CONFIG');
export const LOGGER = Symbol('LOGGER');
export const GATEWAY_PARTS = Symbol('GATEWAY_PARTS');
/** A `ConnectionAcceptor`; null: this process listens itself. */
export const CONNECTION_ACCEPTOR = Symbol('CONNECTION_ACCEPTOR');
