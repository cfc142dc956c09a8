export {
  GATEWAY,
  T0_MS,
  describeRefreshTokenStore,
  rulesWith,
  someSubject,
  successorOf,
  tokenOf,
} from './describe-refresh-token-store.ts';
export {
  LIFE_MS,
  anyRules,
  anyStep,
  compareWithModel,
  type RefreshTokenStep,
  type SteppingGateway,
} from './refresh-token-steps.ts';
