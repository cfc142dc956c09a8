import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { call, requestToken } from './token-client.ts';

export interface TokenTrafficWishes {
  /** Base addresses; tokens are issued at each and used at all. */
  readonly gatewayUrls: readonly string[];
  readonly apiPath: string;
  /** The form of a token request. */
  readonly grant: Readonly<Record<string, string>>;
  /**
   * How long others keep the gateways' key set, in milliseconds. An unknown key makes them fetch nothing before: they know
   * a key in time or they refuse its tokens.
   */
  readonly keySetCachedMs: number;
}

/** One token that was not issued, or not taken by somebody. */
export type Refusal = string;

/** Clients that get tokens and use them without a pause, and somebody outside who verifies each by the published key set. */
export class TokenTraffic {
  readonly refusals: Refusal[] = [];
  /** How many tokens there were of each key, in the order in which the keys were first seen. */
  readonly tokensByKey = new Map<string, number>();
  #isOver = false;
  readonly #clients: Promise<void>[] = [];

  private constructor(private readonly wishes: TokenTrafficWishes) {}

  /** Ends when everybody has judged a token, and so keeps a key set from now on. */
  static async start(wishes: TokenTrafficWishes): Promise<TokenTraffic> {
    const traffic = new TokenTraffic(wishes);
    const judged = wishes.gatewayUrls.map(
      (gatewayUrl) => new Promise<void>((resolve) => traffic.#clients.push(traffic.#client(gatewayUrl, resolve))),
    );
    await Promise.all(judged);
    return traffic;
  }

  /** Ends when the tokens under way were judged. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #client(gatewayUrl: string, onJudged: () => void): Promise<void> {
    const { grant, keySetCachedMs } = this.wishes;
    const keySet = createRemoteJWKSet(new URL('/auth/.well-known/jwks.json', gatewayUrl), {
      ...{ cacheMaxAge: keySetCachedMs, cooldownDuration: Number.MAX_SAFE_INTEGER },
    });
    let last: string | undefined;
    while (!this.#isOver) {
      const { status, body } = await requestToken(gatewayUrl, grant);
      if (status !== 200) {
        this.refusals.push(`not issued at ${gatewayUrl}: ${status}`);
        continue;
      }
      const token = String(body.access_token);
      const { kid = '' } = decodeProtectedHeader(token);
      this.tokensByKey.set(kid, (this.tokensByKey.get(kid) ?? 0) + 1);
      // The one before as well: it may be of the key before.
      for (const one of [last, token]) if (one !== undefined) await this.#use(one);
      await jwtVerify(token, keySet).catch((error: Error) => this.#refused(token, 'outside', error.message));
      last = token;
      onJudged();
    }
  }

  async #use(token: string): Promise<void> {
    for (const gatewayUrl of this.wishes.gatewayUrls) {
      const { status } = await call(gatewayUrl + this.wishes.apiPath, token);
      if (status !== 200) this.#refused(token, gatewayUrl, String(status));
    }
  }

  /** Whoever was so slow that the token has expired meanwhile was refused with reason. */
  #refused(token: string, by: string, why: string): void {
    const { exp = Infinity, iat = NaN } = decodeJwt(token);
    const nowSeconds = Date.now() / 1_000;
    if (nowSeconds >= exp) return;
    const { kid } = decodeProtectedHeader(token);
    this.refusals.push(`${by}: ${kid}, ${(nowSeconds - iat).toFixed(1)} s after it was issued: ${why}`);
  }
}
