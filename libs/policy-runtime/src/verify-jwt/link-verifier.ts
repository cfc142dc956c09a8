import { refusal, type ClaimCheck, type TokenRules, type VerifyResult } from '#libs/jwt-engine';
import type { VerifyJwtContract } from '#libs/policy-contracts';
import type { Exchange } from '../exchange/exchange.ts';
import type { LinkContext } from '../linking/link-context.ts';
import { rememberRecent } from '../linking/recent-results.ts';
import { whenAnswered } from '../linking/step.ts';
import { linkClaimChecks } from './claim-checks.ts';
import { linkSettings, type LinkedSettings, type Settings, type SettingsOfRequest } from './verifier-settings.ts';
import type { Judgement, Verify, VerifyContext } from './verify-context.ts';

/** How many combinations of settings behind variables are kept compiled. */
const KEPT_VERIFIERS = 32;

export interface Verification {
  readonly judgement: Judgement;
  readonly allowanceSeconds: number;
  /** A setting could not be used, and nothing before it failed. */
  readonly isMisconfigured: boolean;
}
export type VerifyToken = (token: string, exchange: Exchange, nowMs: number) => Verification | Promise<Verification>;

/** What a policy demands of its tokens, signed or encrypted. */
export type VerifyRules = TokenRules<VerifyContext>;

/** The engine has no code for a broken setting of the policy: this object stands for it. */
const MISCONFIGURED = refusal('InvalidKeyConfiguration', { reference: 'setting' });

const settingCheck: ClaimCheck<VerifyContext> = (_jwt, _nowSeconds, { settingRefusal }) =>
  settingRefusal === 'InvalidConfiguration' ? MISCONFIGURED : settingRefusal;

function linkRules(contract: VerifyJwtContract, context: LinkContext): (settings: Settings) => VerifyRules {
  const checks = [settingCheck, ...linkClaimChecks(contract, context)];
  return ({ allowanceSeconds, lifespanSeconds, knownHeaders }) => ({
    knownCriticalHeaders: knownHeaders,
    ignoreCriticalHeaders: contract.ignoreCriticalHeaders,
    timeAllowanceSeconds: allowanceSeconds,
    ignoreIssuedAt: contract.ignoreIssuedAt,
    ...(lifespanSeconds === undefined
      ? {}
      : { maxLifespan: { seconds: lifespanSeconds, useIssueTime: contract.maxLifespan?.useIssueTime ?? false } }),
    checks,
  });
}

interface Prepared {
  readonly settings: SettingsOfRequest;
  readonly verify: Verify;
}

/** Compiled now when everything is known, else once per combination of what the variables hold. */
function prepare(settings: LinkedSettings, compile: (settings: Settings) => Verify): (exchange: Exchange) => Prepared {
  if (typeof settings !== 'function') {
    const prepared = { settings, verify: compile(settings) };
    return () => prepared;
  }
  const verifierOf = rememberRecent(KEPT_VERIFIERS, (text) => compile(JSON.parse(text) as Settings));
  return (exchange) => {
    const ofRequest = settings(exchange);
    const { allowanceSeconds, lifespanSeconds, knownHeaders } = ofRequest;
    const verify = verifierOf(JSON.stringify({ allowanceSeconds, lifespanSeconds, knownHeaders }));
    return { settings: ofRequest, verify };
  };
}

/** `crit` is judged with an empty list while the list's variable is unresolved: then the variable is to blame. */
function blame(result: Exclude<VerifyResult, { ok: true }>, { unresolvedNames }: SettingsOfRequest): VerifyResult {
  return result.code === 'UnhandledCriticalHeader' && unresolvedNames !== undefined ? unresolvedNames : result;
}

function verificationOf(judgement: Judgement, settings: SettingsOfRequest): Verification {
  const { allowanceSeconds } = settings;
  if (judgement.ok !== false) return { judgement, allowanceSeconds, isMisconfigured: false };
  const isMisconfigured = judgement.code === MISCONFIGURED.code && judgement.reference === MISCONFIGURED.reference;
  return { judgement: blame(judgement, settings), allowanceSeconds, isMisconfigured };
}

/** The policy's verifier and the settings it ran with. `compile` makes the one of signed or of encrypted tokens. */
export function linkVerifier(
  contract: VerifyJwtContract,
  compile: (rules: VerifyRules) => Verify,
  context: LinkContext,
): VerifyToken {
  const rulesWith = linkRules(contract, context);
  const preparedFor = prepare(linkSettings(contract, context.artifact), (settings) => compile(rulesWith(settings)));
  return (token, exchange, nowMs) => {
    const { settings, verify } = preparedFor(exchange);
    const judgement = verify(token, nowMs / 1000, { exchange, settingRefusal: settings.refused });
    return whenAnswered(judgement, (judged) => verificationOf(judged, settings));
  };
}
