import { refusal, type JwtRefusal } from '#libs/jwt-engine';
import type { ProxyArtifact, VerifyJwtContract } from '#libs/policy-contracts';
import type { Exchange } from '../exchange/exchange.ts';
import { bindList } from '../linking/bound-text.ts';
import { linkSeconds, type Seconds, type SecondsReader } from './time-settings.ts';
import type { VerifyContext } from './verify-context.ts';

/** What the engine needs to know beforehand. */
export interface Settings {
  readonly allowanceSeconds: number;
  readonly lifespanSeconds: number | undefined;
  readonly knownHeaders: readonly string[];
}

export interface SettingsOfRequest extends Settings {
  /** The list of known headers is behind a variable that is not set. */
  readonly unresolvedNames: JwtRefusal | undefined;
  readonly refused: VerifyContext['settingRefusal'];
}

export type LinkedSettings = SettingsOfRequest | ((exchange: Exchange) => SettingsOfRequest);

const read = (setting: Seconds | SecondsReader | undefined, exchange: Exchange): Seconds | undefined =>
  typeof setting === 'function' ? setting(exchange) : setting;
const numberOf = (setting: Seconds | undefined) => (typeof setting === 'number' ? setting : undefined);
const refusedOf = (setting: Seconds | undefined) => (typeof setting === 'number' ? undefined : setting);

/** Settings as they are in one request, or for all of them when no variable of a request is among them. */
export function linkSettings(contract: VerifyJwtContract, artifact: ProxyArtifact): LinkedSettings {
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
