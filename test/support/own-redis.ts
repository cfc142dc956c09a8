/** A Redis of a test's own, for specs of apps that start none themselves. */
export { startRedis, type RunningServer } from '#libs/embedded-servers';
