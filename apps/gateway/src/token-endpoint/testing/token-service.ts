import { randomUUID } from 'node:crypto';
import { generateSigningKey } from '#libs/jwt-engine';
import {
  createPasswordVerifier,
  createSecretVerifier,
  parseAuthJwt,
  type ArtifactSigningKeys,
  type ClientRecord,
  type CredentialRecord,
  type ProxyArtifact,
} from '#libs/policy-contracts';
import { linkProxy, type LinkedProxy } from '#libs/policy-runtime';
import { InMemoryRefreshTokenStore, type RefreshTokenStore } from '#libs/refresh-token-store';
import {
  KnownRevocations,
  RevocationLedgerUnavailable,
  type RevocationUrgency,
  type TokenRevocation,
} from '#libs/token-revocations';
import type { IdentityDirectory, IssuerDirectory } from '../identity/identity.port.ts';
import type { PasswordCheckLimits } from '../identity/check-places.ts';
import { ClientSecretFailures } from '../identity/client-secret-failures.ts';
import { CredentialPasswords, type PasswordCheckEnd } from '../identity/credential-passwords.ts';
import type { LoginLimits } from '../identity/login-throttle/login-throttle.port.ts';
import type { TokenHttpResponse } from '../protocol/token-http.ts';
import { PublishedKeys, type LiveKeys } from '../published-keys/published-keys.ts';
import { TokenEndpoint, type TokenAnswered } from '../token-endpoint.ts';
import { InMemoryLoginThrottle } from './in-memory-login-throttle.ts';

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
  keys: ArtifactSigningKeys = { signing: SIGNING_KEY.jwk, verification: [] },
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
      signingKeys: { 'issue-token': keys },
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
  readonly loginLimits?: Partial<LoginLimits>;
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
  /** How each password check ended. */
  readonly checked: PasswordCheckEnd[] = [];
  /** For how long answers were held back; none was for real. */
  readonly pausesMs: number[] = [];
  readonly passwords: CredentialPasswords;
  readonly revocations = new KnownRevocations();
  /** How urgent it was each time to record some. */
  readonly urgencies: RevocationUrgency[] = [];
  /** True: no revocation can be recorded. */
  isLedgerAway = false;
  readonly refreshTokens: RefreshTokenStore;
  readonly endpoint: TokenEndpoint;
  nowMs = T0_MS;
  clientAddress = '192.0.2.1';
  publicOrigin: string | undefined = 'https://gateway.test';
  proxy: LinkedProxy | undefined;
  /** Undefined: no configuration is loaded. */
  live: LiveKeys | undefined;

  constructor(policy: PolicyChanges = {}, parts: TokenServiceParts = {}) {
    this.proxy = proxyWith(policy);
    this.refreshTokens = parts.refreshTokens ?? new InMemoryRefreshTokenStore();
    const identities: IdentityDirectory = {
      client: async (clientId) => this.clients.get(clientId),
      credential: async (username) => this.users.get(username),
    };
    const limits = { failuresPerName: 10, failuresPerAddress: 100, blockMs: 300_000, ...parts.loginLimits };
    const throttle = () => new InMemoryLoginThrottle(limits, () => this.nowMs);
    this.passwords = new CredentialPasswords({
      throttle: throttle(),
      ...(parts.passwordChecks === undefined ? {} : { limits: parts.passwordChecks }),
      pause: async (ms) => void this.pausesMs.push(ms),
      onChecked: (end) => this.checked.push(end),
    });
    this.endpoint = new TokenEndpoint({
      identities: parts.identities ?? identities,
      issuers: parts.issuers ?? {
        proxy: (proxyId) => (proxyId === PROXY_ID ? this.proxy : undefined),
        proxyNamed: (project, proxy) => (project === 'shop' && proxy === 'orders' ? this.proxy : undefined),
        all: () => (this.proxy === undefined ? [] : [this.proxy]),
      },
      refreshTokens: this.refreshTokens,
      revocations: this.revocations,
      revocationWriter: { revoke: (revocations, urgency) => this.revoke(revocations, urgency) },
      publishedKeys: new PublishedKeys(() => this.live),
      events: {
        onAnswered: (what) => this.answered.push(what),
        onUnexpected: (error) => this.unexpected.push(error),
      },
      passwords: this.passwords,
      clientSecrets: new ClientSecretFailures(throttle()),
    });
  }

  private async revoke(revocations: readonly TokenRevocation[], urgency: RevocationUrgency = 'usual'): Promise<void> {
    if (this.isLedgerAway) throw new RevocationLedgerUnavailable('record');
    this.urgencies.push(urgency);
    for (const revocation of revocations) this.revocations.add(revocation);
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
      publicOrigin: this.publicOrigin,
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
