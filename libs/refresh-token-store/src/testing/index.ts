export {
  T0_MS,
  describeRefreshTokenStore,
  rulesWith,
  someSubject,
  successorOf,
  tokenOf,
} from './describe-refresh-token-store.ts';
export { LIFE_MS, anyRules, anyStep, compareWithModel, type RefreshTokenStep } from './refresh-token-steps.ts';
