export { PENDING_SCENARIOS, type PendingScenario } from './pending-scenarios.ts';
