export const GATEWAY_CONFIG = Symbol('GATEWAY_CONFIG');
export const LOGGER = Symbol('LOGGER');
export const GATEWAY_PARTS = Symbol('GATEWAY_PARTS');
