export { copyCluster, startStandby, type Standby } from './standby-postgres.ts';
