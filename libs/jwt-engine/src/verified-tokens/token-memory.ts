import { type JsonObject } from '../json-value.ts';
import { freezeDeep } from '../freeze-deep.ts';
import { type DecodedJwt } from '../jwt-refusal.ts';
import { type ReadHeader } from '../read-header.ts';
import { type SignatureCheck } from '../signature-check.ts';
import { bytesOf, type VerifiedToken } from './verified-token.ts';
import { type VerifiedTokens } from './verified-tokens.ts';

const usefulUntil = ({ exp }: JsonObject, allowanceSeconds: number): number =>
  typeof exp === 'number' ? exp + allowanceSeconds : Infinity;

/** One verifier's part of the tokens that are remembered: what another verifier found good is nothing to this one. */
export class TokenMemory {
  private readonly tokens: VerifiedTokens;
  private readonly allowanceSeconds: number;

  constructor(tokens: VerifiedTokens, allowanceSeconds: number) {
    this.tokens = tokens;
    this.allowanceSeconds = allowanceSeconds;
  }

  digestOf(token: string): string {
    return this.tokens.digestOf(token);
  }

  find(digest: string, nowSeconds: number): VerifiedToken | undefined {
    return this.tokens.find(this, digest, nowSeconds);
  }

  /** Whether the signature was found good by this very check, so by the key that was selected now. Counts it if so. */
  wasSignedBy(check: SignatureCheck, known: VerifiedToken | undefined): known is VerifiedToken {
    if (known?.signedBy !== check) return false;
    this.tokens.countHit();
    return true;
  }

  isKnownBad(digest: string, check: SignatureCheck, nowSeconds: number): boolean {
    return this.tokens.isKnownBad(this, digest, check, nowSeconds);
  }

  addBad(digest: string, check: SignatureCheck, nowSeconds: number): void {
    this.tokens.addBad(this, digest, check, nowSeconds);
  }

  // eslint-disable-next-line max-params -- the path of every token seen for the first time
  add(digest: string, found: ReadHeader, jwt: DecodedJwt, signedBy: SignatureCheck, nowSeconds: number): void {
    if (!this.tokens.admits(digest)) return;
    freezeDeep(jwt.header);
    freezeDeep(jwt.claims);
    const usefulUntilSeconds = usefulUntil(jwt.claims, this.allowanceSeconds);
    const token = { found, jwt: Object.freeze(jwt), signedBy, usefulUntilSeconds, bytes: bytesOf(jwt) };
    this.tokens.add(this, digest, token, nowSeconds);
  }
}
