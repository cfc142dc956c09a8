import { randomUUID } from 'node:crypto';
import { generateSigningKey } from '#libs/jwt-engine';
import {
  createPasswordVerifier,
  createSecretVerifier,
  parseAuthJwt,
  type ClientRecord,
  type CredentialRecord,
  type ProxyArtifact,
} from '#libs/policy-contracts';
import { linkProxy, type LinkedProxy } from '#libs/policy-runtime';
import { InMemoryRefreshTokenStore, type RefreshTokenStore } from '#libs/refresh-token-store';
import type { IdentityDirectory, IssuerDirectory } from '../identity/identity.port.ts';
import type { PasswordCheckLimits } from '../identity/password-checks.ts';
import type { TokenHttpResponse } from '../protocol/token-http.ts';
import { TokenEndpoint, type TokenAnswered } from '../token-endpoint.ts';

export const T0_MS = Date.UTC(2026, 0, 1);
export const CLIENT = { id: 'client-1', secret: 'client secret + 100%' } as const;
export const USER = { name: 'alice', password: 'correct horse battery staple' } as const;
export const PROXY_ID = 'proxy-1';
export const SIGNING_KEY = generateSigningKey('HS256');

const passwordVerifier = await createPasswordVerifier(USER.password);

export type PolicyChanges = Readonly<Record<string, unknown>>;

/** A proxy whose one policy issues tokens of five minutes, with refresh tokens of an hour, but for what is named. */
export function proxyWith(
  changes: PolicyChanges = {},
  environment: Partial<ProxyArtifact['environment']> = {},
): LinkedProxy {
  const parsed = parseAuthJwt({
    type: 'policy-auth-jwt',
    jwtSignatureAlgorithm: 'HS256',
    tokenNeverExpires: false,
    tokenExpiresInAmount: 5,
    tokenExpiresInUnit: 'MINUTES',
    refreshTokenAllowed: true,
    refreshTokenExpiresInAmount: 1,
    refreshTokenExpiresInUnit: 'HOURS',
    ...changes,
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const linked = linkProxy(
    {
      formatVersion: 1,
      project: 'shop',
      proxy: 'orders',
      proxyId: PROXY_ID,
      revision: 1,
      environment: { name: 'test', tokenIssuer: 'https://issuer.test', expiresInUnit: 'SECONDS', ...environment },
      route: { paths: ['/orders'], hosts: [], methods: [], headers: [] },
      upstream: {
        addresses: [{ url: 'http://127.0.0.1:1', weight: 1 }],
        loadBalance: 'ROUND_ROBIN',
        connectTimeoutMs: 1_000,
        readTimeoutMs: 1_000,
        retryCount: 0,
      },
      pipelines: { request: [{ name: 'issue-token', policy: parsed.value }], response: [], error: [] },
      endpoints: [],
      variables: {},
      signingKeys: { 'issue-token': { signing: SIGNING_KEY.jwk, verification: [] } },
    },
    { faultCodes: 'documented' },
  );
  if (!linked.ok) throw new Error(JSON.stringify(linked.faults));
  return linked.proxy;
}

/** What a test may replace. */
export interface TokenServiceParts {
  readonly identities?: IdentityDirectory;
  readonly issuers?: IssuerDirectory;
  readonly refreshTokens?: RefreshTokenStore;
  readonly passwordChecks?: PasswordCheckLimits;
}

export type Form = Readonly<Record<string, string>>;

const client: ClientRecord = {
  clientId: CLIENT.id,
  project: 'shop',
  proxy: 'orders',
  proxyId: PROXY_ID,
  secretVerifier: createSecretVerifier(CLIENT.secret),
};
const user: CredentialRecord = {
  username: USER.name,
  project: 'shop',
  passwordVerifier,
  passwordId: 'password-1',
  enabled: true,
  expiresAt: null,
  roles: ['read', 'write'],
  ipList: [],
  access: [],
  tokenSettings: null,
};

/** One gateway's token endpoint with its directories in memory. */
export class TokenService {
  readonly clients = new Map<string, ClientRecord>([[client.clientId, client]]);
  readonly users = new Map<string, CredentialRecord>([[user.username, user]]);
  readonly answered: TokenAnswered[] = [];
  readonly unexpected: unknown[] = [];
  readonly refreshTokens: RefreshTokenStore;
  readonly endpoint: TokenEndpoint;
  nowMs = T0_MS;
  clientAddress = '192.0.2.1';
  proxy: LinkedProxy | undefined;

  constructor(policy: PolicyChanges = {}, parts: TokenServiceParts = {}) {
    this.proxy = proxyWith(policy);
    this.refreshTokens = parts.refreshTokens ?? new InMemoryRefreshTokenStore();
    const identities: IdentityDirectory = {
      client: async (clientId) => this.clients.get(clientId),
      credential: async (username) => this.users.get(username),
    };
    const { passwordChecks } = parts;
    this.endpoint = new TokenEndpoint({
      identities: parts.identities ?? identities,
      issuers: parts.issuers ?? { proxy: (proxyId) => (proxyId === PROXY_ID ? this.proxy : undefined) },
      refreshTokens: this.refreshTokens,
      events: {
        onAnswered: (what) => this.answered.push(what),
        onUnexpected: (error) => this.unexpected.push(error),
      },
      ...(passwordChecks === undefined ? {} : { passwordChecks }),
    });
  }

  changeUser(changes: Partial<CredentialRecord>): void {
    this.users.set(user.username, { ...user, ...changes });
  }

  changeClient(changes: Partial<ClientRecord>): void {
    this.clients.set(client.clientId, { ...client, ...changes });
  }

  /** The reason told to logs for the last answer. */
  get lastReason(): string | undefined {
    return this.answered.at(-1)?.reason;
  }

  send(changes: {
    readonly method?: string;
    readonly path?: string;
    readonly query?: string;
    readonly headers?: readonly string[];
    readonly body?: string | Buffer;
  }): Promise<TokenHttpResponse> {
    return this.endpoint.handle({
      method: changes.method ?? 'POST',
      path: changes.path ?? '/auth/jwt',
      queryString: changes.query ?? '',
      rawHeaders: changes.headers ?? ['Content-Type', 'application/x-www-form-urlencoded'],
      body: Buffer.from(changes.body ?? ''),
      clientAddress: this.clientAddress,
      nowMs: this.nowMs,
      correlationId: randomUUID(),
    });
  }

  /** Posts a form as the client, which names itself by parameters. */
  async post(form: Form): Promise<Answer> {
    const parameters = { client_id: CLIENT.id, client_secret: CLIENT.secret, ...form };
    return answerOf(await this.send({ body: new URLSearchParams(parameters).toString() }));
  }

  login(form: Form = {}): Promise<Answer> {
    return this.post({ grant_type: 'password', username: USER.name, password: USER.password, ...form });
  }

  refresh(token: unknown, form: Form = {}): Promise<Answer> {
    return this.post({ grant_type: 'refresh_token', refresh_token: String(token), ...form });
  }
}

/** An answer with its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export const answerOf = ({ status, headers, body }: TokenHttpResponse): Answer => ({
  status,
  headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
  body: JSON.parse(body) as Record<string, unknown>,
});

export const basic = (clientId: string, secret: string): string =>
  `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`;
