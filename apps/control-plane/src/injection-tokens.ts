/** What the composition root provides that is not a class of ours. */
export const CONTROL_PLANE_CONFIG = Symbol('CONTROL_PLANE_CONFIG');
export const DATABASE = Symbol('DATABASE');
/** `HistoryKeys` of the event store. */
export const HISTORY_KEYS = Symbol('HISTORY_KEYS');
export const VAULT = Symbol('VAULT');
export const LOGGER = Symbol('LOGGER');
/** The bearer token of the first administrator, a text. */
export const ADMIN_TOKEN = Symbol('ADMIN_TOKEN');
