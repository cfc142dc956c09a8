export { FLOW_VARIABLE_NAMES } from '../exchange/compile-variable.ts';
export { TOKEN_VARIABLE_NAMES } from '../tokens/token-variables.ts';
export { VERIFY_JWT_FAULT_NAMES } from '../verify-jwt/verify-jwt-faults.ts';
export { NOW_MS, type RequestParts } from './artifacts.ts';
export { KEY_SET_ADDRESS } from './key-set-scenarios.ts';
export { type KeySetLife, type KeySetMoment, type Scenario, type ServedKeySet } from './scenario.ts';
export { expectationOf, scenarioRows, type ScenarioExpectation, type ScenarioRow } from './scenario-table.ts';
export { REQUEST_SCENARIOS, SAVE_SCENARIOS } from './verify-jwt-scenarios.ts';
export { templateFiller } from './template-filler.ts';
