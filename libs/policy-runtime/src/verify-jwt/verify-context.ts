import type { JwtRefusal, VerifyResult } from '#libs/jwt-engine';
import type { EncryptedTokens, SignedTokens, VerifyJwtContract } from '#libs/policy-contracts';
import type { Exchange } from '../exchange/exchange.ts';

/** What the engine hands back to the policy's own selectors and checks, one per verification. */
export interface VerifyContext {
  readonly exchange: Exchange;
  /** A setting behind a variable could not be used; reported after the times, before the claims. */
  readonly settingRefusal: JwtRefusal | 'InvalidConfiguration' | undefined;
}

/** A policy on signed tokens, and one on encrypted tokens. */
export type SignedVerifyJwt = VerifyJwtContract & SignedTokens;
export type EncryptedVerifyJwt = VerifyJwtContract & EncryptedTokens;

/** The gateway has no capacity to judge the token; nothing is said about it. */
export interface Overloaded {
  readonly ok: 'overloaded';
}
export const OVERLOADED: Overloaded = { ok: 'overloaded' };

export type Judgement = VerifyResult | Overloaded;

/** Judges one token; a promise only where this token makes it wait. */
export type Verify = (token: string, nowSeconds: number, context: VerifyContext) => Judgement | Promise<Judgement>;
