import { once } from 'node:events';
import { createServer, type OutgoingHttpHeaders, type Server } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';
import { freePortsInARow } from '#libs/program-shell/testing';

const TOKENS_OF_A_KEY = 5;

/** A signing key of an identity provider, and tokens that it signed. */
export interface ProviderKey {
  readonly keyId: string;
  readonly jwk: JWK;
  readonly tokens: readonly string[];
}

/** A key and its tokens as a client library of others makes them: the gateway's own code has no part in it. */
export async function providerKey(keyId: string): Promise<ProviderKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const tokens = Array.from({ length: TOKENS_OF_A_KEY }, (_, index) =>
    new SignJWT({ sub: `user-${index}` }).setProtectedHeader({ alg: 'ES256', kid: keyId }).sign(privateKey),
  );
  const jwk = { ...(await exportJWK(publicKey)), kid: keyId, use: 'sig', alg: 'ES256' };
  return { keyId, jwk, tokens: await Promise.all(tokens) };
}

export const providerKeys = (count: number): Promise<readonly ProviderKey[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => providerKey(`key-${index}`)));

/** An identity provider over HTTP whose keys are changed, and which can be gone and come back, as the test says. */
export class RotatingProvider {
  /** What the key set holds. */
  listed: readonly ProviderKey[] = [];
  headers: OutgoingHttpHeaders = {};
  /** Requests that came. */
  fetches = 0;
  #port = 0;
  #server: Server | undefined;
  #answering = 0;
  #tokensGiven = 0;

  private constructor(private signing: ProviderKey) {}

  static async start(first: ProviderKey): Promise<RotatingProvider> {
    const provider = new RotatingProvider(first);
    provider.listed = [first];
    await provider.comeBack();
    return provider;
  }

  get address(): string {
    return `http://127.0.0.1:${this.#port}/jwks`;
  }

  /** Nobody asks it anything just now. */
  get isIdle(): boolean {
    return this.#answering === 0;
  }

  signWith(key: ProviderKey): void {
    this.signing = key;
  }

  /** One that was signed with the key of the moment, or with `key`. */
  token(key = this.signing): string {
    this.#tokensGiven += 1;
    return key.tokens[this.#tokensGiven % TOKENS_OF_A_KEY] ?? '';
  }

  /** From now on its port refuses connections. */
  async goAway(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  /** On the same port each time. */
  async comeBack(): Promise<void> {
    if (this.#port === 0) [this.#port = 0] = await freePortsInARow(1);
    const server = createServer((_request, response) => {
      this.fetches += 1;
      this.#answering += 1;
      response.on('close', () => (this.#answering -= 1));
      const keys = this.listed.map(({ jwk }) => jwk);
      response.writeHead(200, { 'content-type': 'application/jwk-set+json', ...this.headers });
      response.end(JSON.stringify({ keys }));
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
  }
}

/** A policy that takes its keys from the provider. */
export const fetchedKeysPolicy = (address: string, members: Readonly<Record<string, unknown>> = {}) => ({
  name: 'from-idp',
  policy: { type: 'policy-verify-jwt', algorithm: 'ES256', publicKey: { jwks: { uri: address } }, ...members },
});
