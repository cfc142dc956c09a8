import {
  compileVerifier,
  refusal,
  type ClaimCheck,
  type JwtRefusal,
  type KeySelector,
  type VerifyResult,
} from '#libs/jwt-engine';
import type { ProxyArtifact, VerifyJwtContract } from '#libs/policy-contracts';
import type { Exchange } from '../exchange/exchange.ts';
import { bindList } from '../linking/bound-text.ts';
import { rememberRecent } from '../linking/recent-results.ts';
import { linkClaimChecks } from './claim-checks.ts';
import { linkSeconds, type Seconds, type SecondsReader } from './time-settings.ts';
import type { SignedVerifyJwt, VerifyContext } from './verify-context.ts';

/** How many combinations of settings behind variables are kept compiled. */
const KEPT_VERIFIERS = 32;

/** What the engine needs to know beforehand. */
interface Settings {
  readonly allowanceSeconds: number;
  readonly lifespanSeconds: number | undefined;
  readonly knownHeaders: readonly string[];
}

interface SettingsOfRequest extends Settings {
  /** The list of known headers is behind a variable that is not set. */
  readonly unresolvedNames: JwtRefusal | undefined;
  readonly refused: VerifyContext['settingRefusal'];
}

export interface Verification {
  readonly result: VerifyResult;
  readonly allowanceSeconds: number;
  /** A setting could not be used, and nothing before it failed. */
  readonly isMisconfigured: boolean;
}
export type VerifyToken = (token: string, exchange: Exchange, nowMs: number) => Verification;

type Verify = (token: string, nowSeconds: number, context: VerifyContext) => VerifyResult;

/** The engine has no code for a broken setting of the policy: this object stands for it. */
const MISCONFIGURED = refusal('InvalidKeyConfiguration', { reference: 'setting' });

const settingCheck: ClaimCheck<VerifyContext> = (_jwt, _nowSeconds, { settingRefusal }) =>
  settingRefusal === 'InvalidConfiguration' ? MISCONFIGURED : settingRefusal;

function compileWith(contract: SignedVerifyJwt, key: KeySelector<VerifyContext>, artifact: ProxyArtifact) {
  const checks = [settingCheck, ...linkClaimChecks(contract, artifact)];
  return ({ allowanceSeconds, lifespanSeconds, knownHeaders }: Settings): Verify =>
    compileVerifier<VerifyContext>({
      algorithms: contract.algorithm,
      key,
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

const read = (setting: Seconds | SecondsReader | undefined, exchange: Exchange): Seconds | undefined =>
  typeof setting === 'function' ? setting(exchange) : setting;
const numberOf = (setting: Seconds | undefined) => (typeof setting === 'number' ? setting : undefined);
const refusedOf = (setting: Seconds | undefined) => (typeof setting === 'number' ? undefined : setting);

/** Settings as they are in one request, or for all of them when no variable of a request is among them. */
function linkSettings(
  contract: VerifyJwtContract,
  artifact: ProxyArtifact,
): SettingsOfRequest | ((exchange: Exchange) => SettingsOfRequest) {
  const ignoresUnresolved = contract.ignoreUnresolvedVariables;
  const { timeAllowance, maxLifespan, knownHeaders } = contract;
  const allowance = timeAllowance && linkSeconds(timeAllowance, { kind: 'allowance', ignoresUnresolved }, artifact);
  const lifespan = maxLifespan && linkSeconds(maxLifespan, { kind: 'lifespan', ignoresUnresolved }, artifact);
  const known = bindList(knownHeaders ?? {}, artifact);
  const { reference, constant } = known;

  const settingsFrom = (
    allowanceSeconds: Seconds | undefined,
    lifespanSeconds: Seconds | undefined,
    names: readonly string[] | undefined,
  ): SettingsOfRequest => {
    const isUnresolved = names === undefined && !ignoresUnresolved && reference !== undefined;
    const unresolvedNames = isUnresolved ? refusal('UnresolvedReference', { reference }) : undefined;
    return {
      allowanceSeconds: numberOf(allowanceSeconds) ?? 0,
      lifespanSeconds: numberOf(lifespanSeconds),
      knownHeaders: names ?? [],
      unresolvedNames,
      refused: unresolvedNames ?? refusedOf(allowanceSeconds) ?? refusedOf(lifespanSeconds),
    };
  };
  if (typeof allowance !== 'function' && typeof lifespan !== 'function' && constant !== undefined) {
    return settingsFrom(allowance, lifespan, constant);
  }
  return (exchange) => settingsFrom(read(allowance, exchange), read(lifespan, exchange), known.read(exchange));
}

interface Prepared {
  readonly settings: SettingsOfRequest;
  readonly verify: Verify;
}

/** Compiled now when everything is known, else once per combination of what the variables hold. */
function prepare(
  settings: ReturnType<typeof linkSettings>,
  compile: (settings: Settings) => Verify,
): (exchange: Exchange) => Prepared {
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
function blame(result: VerifyResult, { unresolvedNames }: SettingsOfRequest): VerifyResult {
  if (result.ok || result.code !== 'UnhandledCriticalHeader') return result;
  return unresolvedNames ?? result;
}

/** The policy's verifier and the settings it ran with. */
export function linkVerifier(
  contract: SignedVerifyJwt,
  key: KeySelector<VerifyContext>,
  artifact: ProxyArtifact,
): VerifyToken {
  const preparedFor = prepare(linkSettings(contract, artifact), compileWith(contract, key, artifact));
  return (token, exchange, nowMs) => {
    const { settings, verify } = preparedFor(exchange);
    const verified = verify(token, nowMs / 1000, { exchange, settingRefusal: settings.refused });
    const result = blame(verified, settings);
    const isMisconfigured = !result.ok && result.code === MISCONFIGURED.code && result.reference === 'setting';
    return { result, allowanceSeconds: settings.allowanceSeconds, isMisconfigured };
  };
}
