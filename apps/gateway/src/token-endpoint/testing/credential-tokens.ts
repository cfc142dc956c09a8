import {
  createPasswordVerifier,
  type ArtifactSigningKeys,
  type CredentialAccess,
  type CredentialRecord,
  type ProxyArtifact,
} from '#libs/policy-contracts';
import { linkProxy, type LinkedProxy } from '#libs/policy-runtime';
import {
  answerOf,
  proxyWith,
  TokenService,
  type Answer,
  type Form,
  type PolicyChanges,
  type TokenServiceParts,
} from './token-service.ts';

/** A credential that is a client of `/credential`. */
export const SERVICE = { name: 'billing', password: 'service password + 100%' } as const;

const passwordVerifier = await createPasswordVerifier(SERVICE.password);
const credential: CredentialRecord = {
  username: SERVICE.name,
  project: 'shop',
  passwordVerifier,
  passwordId: 'service-password-1',
  enabled: true,
  expiresAt: null,
  roles: ['invoices', 'refunds'],
  ipList: [],
  access: [],
  tokenSettings: null,
};

/** Settings of a credential that gives tokens of ten minutes, and refresh tokens of a day. */
export const SETTINGS = {
  grantType: 'CLIENT_CREDENTIALS',
  tokenNeverExpires: false,
  tokenExpiresInAmount: 10,
  tokenExpiresInUnit: 'MINUTES',
  refreshTokenAllowed: true,
  refreshTokenCount: null,
  refreshTokenExpiresInAmount: 1,
  refreshTokenExpiresInUnit: 'DAYS',
  allowUrlParameters: false,
  jwtSignatureAlgorithm: 'HS256',
  deletePrevious: false,
};

/** Access to `project/proxy`; for ever, unless an end is named. */
export function accessTo(title: string, expiresAt: string | null = null): CredentialAccess {
  const [project = '', proxy = ''] = title.split('/');
  return { project, proxy, expiresAt };
}

export const claimsOf = (token: unknown): Readonly<Record<string, unknown>> => {
  const [, payload = ''] = String(token).split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
};

/** What a proxy is compiled with beside its policy. */
export interface MadeWith {
  readonly environment?: Parameters<typeof proxyWith>[1];
  readonly keys?: ArtifactSigningKeys;
  readonly policyName?: string;
}

/** The one policy of a proxy under another name. */
function placedAs({ pipelines, signingKeys }: ProxyArtifact, name: string | undefined) {
  const [placed] = pipelines.request;
  const keys = placed && signingKeys[placed.name];
  if (name === undefined || placed === undefined || keys === undefined) return {};
  return { pipelines: { ...pipelines, request: [{ ...placed, name }] }, signingKeys: { [name]: keys } };
}

/** A gateway's `/credential/jwt`, with proxies that are deployed and taken back by their names. */
export class CredentialTokens {
  readonly proxies = new Map<string, LinkedProxy>();
  readonly service: TokenService;

  constructor(parts: TokenServiceParts = {}) {
    const { proxies } = this;
    const issuers = {
      proxy: (proxyId: string) => [...proxies.values()].find(({ artifact }) => artifact.proxyId === proxyId),
      proxyNamed: (project: string, proxy: string) => proxies.get(`${project}/${proxy}`),
      all: () => proxies.values(),
    };
    this.service = new TokenService({}, { issuers, ...parts });
    this.changeClient({});
  }

  /** A proxy with one policy, in ACL mode and for clients themselves but for what is named. */
  deploy(title: string, policy: PolicyChanges = {}, made: MadeWith = {}): LinkedProxy {
    const aclMode = { managedFromThisPolicy: false, grantType: 'CLIENT_CREDENTIALS' };
    const { artifact } = proxyWith({ ...aclMode, ...policy }, made.environment, made.keys);
    const { project, proxy } = accessTo(title);
    const renamed = { ...artifact, ...placedAs(artifact, made.policyName), project, proxy, proxyId: `id of ${title}` };
    const linked = linkProxy(renamed, { faultCodes: 'documented' });
    if (!linked.ok) throw new Error(JSON.stringify(linked.faults));
    this.proxies.set(title, linked.proxy);
    return linked.proxy;
  }

  changeClient(changes: Partial<CredentialRecord>): void {
    this.service.users.set(SERVICE.name, { ...credential, ...changes });
  }

  introspect(token: unknown): Promise<Answer> {
    return this.post({ token: String(token) }, '/credential/introspect');
  }

  async post(form: Form, path = '/credential/jwt'): Promise<Answer> {
    const parameters = { client_id: SERVICE.name, client_secret: SERVICE.password, ...form };
    const body = new URLSearchParams(parameters).toString();
    return answerOf(await this.service.send({ path, body }));
  }

  ask(form: Form = {}): Promise<Answer> {
    return this.post({ grant_type: 'client_credentials', ...form });
  }

  refresh(token: unknown, form: Form = {}): Promise<Answer> {
    return this.post({ grant_type: 'refresh_token', refresh_token: String(token), ...form });
  }

  get lastReason(): string | undefined {
    return this.service.lastReason;
  }
}
