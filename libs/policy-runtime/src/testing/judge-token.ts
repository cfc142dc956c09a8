import type { Exchange } from '../exchange/exchange.ts';
import type { Fault } from '../exchange/fault.ts';
import type { LinkOptions } from '../linking/link-context.ts';
import type { Outcome } from '../linking/step.ts';
import { exchangeFor, linked, NOW_MS, placed, routeOf, type RequestParts } from './artifacts.ts';
import { makeToken, rsaPair } from './token-maker.ts';

/** The key of the tokens that are made here unless a test brings its own. */
export const SIGNER = rsaPair();
export const RS256_POLICY = { type: 'policy-verify-jwt', algorithm: 'RS256', publicKey: { value: SIGNER.publicPem } };

export const tokenWith = (payload: unknown, header: object = {}): string =>
  makeToken({ header: { alg: 'RS256', ...header }, payload, algorithm: 'RS256', key: SIGNER.privateKey });

/** A policy called P and a request that meets it. */
export interface Given {
  /** Members beside those of `RS256_POLICY`, or instead of them. */
  readonly policy?: object;
  /** Left out: one of `SIGNER`'s with this payload and header. */
  readonly token?: string;
  readonly payload?: object;
  readonly header?: object;
  /** Flow variables. */
  readonly set?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly request?: RequestParts;
  readonly options?: Partial<LinkOptions>;
}

/** Links the policy; each `ask` is a request of its own, whose outcome may be a promise. */
export function asked({ policy, environment = {}, options = {}, ...given }: Given) {
  const proxy = linked({ request: [placed('P', { ...RS256_POLICY, ...policy })], variables: environment }, options);
  const token = given.token ?? tokenWith(given.payload ?? {}, given.header);
  return {
    ask(): { readonly exchange: Exchange; readonly outcome: Outcome } {
      const exchange = exchangeFor(proxy, { headers: { Authorization: `Bearer ${token}` }, ...given.request });
      for (const [name, value] of Object.entries(given.set ?? {})) exchange.setVariable(name, value);
      return { exchange, outcome: routeOf(proxy).runRequest(exchange, NOW_MS) };
    },
  };
}

/** `InvalidClaim: claim(c)`; `pass` when there is no fault. */
export const textOf = (fault: Fault | undefined): string =>
  fault === undefined ? 'pass' : `${fault.name}: ${fault.reason.replace(/^.*policy\(P\) ?/, '')}`;

export async function judge(given: Given, faultCodes: LinkOptions['faultCodes'] = 'documented') {
  const { exchange, outcome } = asked({ ...given, options: { faultCodes, ...given.options } }).ask();
  const fault = await outcome;
  return { exchange, fault, outcome: textOf(fault) };
}

export const outcomeOf = async (given: Given): Promise<string> => (await judge(given)).outcome;
