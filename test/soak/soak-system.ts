import { generateKeyPairSync, sign } from 'node:crypto';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';
import { SoakUpstream } from './soak-upstream.ts';

export const ENVIRONMENT = 'production';
const PROJECT = '/apiops/projects/soak';
/** Nothing listens there: the discard port. */
const NOBODY = 'http://127.0.0.1:9';

/** Proxies by name; each is at the path of its name. */
export const PROXIES = ['plain', 'verified', 'login', 'changed', 'away', 'broken'] as const;
export type SoakProxy = (typeof PROXIES)[number];

export interface SoakGround {
  readonly system: GatewardenSystem;
  readonly upstream: SoakUpstream;
  /** Form members that name the client of the `login` proxy. */
  readonly client: { readonly client_id: string; readonly client_secret: string };
  readonly tokens: { readonly good: readonly string[]; readonly bad: readonly string[] };
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function tokenOf(claims: Readonly<Record<string, unknown>>): string {
  const times = { iat: Math.floor(Date.now() / 1_000) - 60, exp: Math.floor(Date.now() / 1_000) + 7 * 86_400 };
  const all = { iss: 'https://soak.example', aud: 'soak', sub: 'ann', ...times, ...claims };
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(all)}`;
  return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
}

const verifyPolicy = (timeAllowanceSeconds: number) => ({
  ...{ type: 'policy-verify-jwt', algorithm: 'RS256', timeAllowance: `${timeAllowanceSeconds}s` },
  publicKey: { value: publicKey.export({ type: 'spki', format: 'pem' }).toString() },
  ...{ issuer: 'https://soak.example', audience: 'soak' },
});

/** Answers by itself, with which change it is of. */
const markerPolicy = (marker: number) => ({
  ...{ type: 'policy-raise-fault', statusCode: 200, contentType: 'text/plain', payload: `change ${marker}` },
});

/** One environment with two gateways, a control plane, and proxies for each kind of traffic. */
export async function startSoakSystem(): Promise<SoakGround> {
  const upstream = new SoakUpstream();
  const address = await upstream.listen();
  const system = await GatewardenSystem.start([ENVIRONMENT], { gatewaysEach: 2, deployers: 0 });
  try {
    await succeed(system, 'POST', '/apiops/projects/', { name: 'soak' });
    let client = { client_id: '', client_secret: '' };
    for (const name of PROXIES) {
      const body = proxyBody(name, `/${name}`, name === 'away' ? NOBODY : address, [ENVIRONMENT]);
      const created = await succeed(system, 'POST', `${PROJECT}/apiProxies/url/`, body);
      const { publicKey: id, secretKey: secret } = created.resultList[0];
      if (name === 'login') client = { client_id: id, client_secret: secret };
    }
    await setPolicy(system, 'POST', 'login', loginPolicy);
    await setPolicy(system, 'POST', 'verified', verifyPolicy(1));
    await setPolicy(system, 'POST', 'changed', markerPolicy(0));
    return { system, upstream, client, tokens: tokens() };
  } catch (error) {
    await system.stop();
    await upstream.close();
    throw error;
  }
}

const loginPolicy = authJwtPolicy({ grantType: 'CLIENT_CREDENTIALS' });

function tokens(): SoakGround['tokens'] {
  const good = Array.from({ length: 200 }, (_none, index) => tokenOf({ jti: `soak-${index}` }));
  const [first = '', second = ''] = good;
  const forged = `${first.slice(0, first.lastIndexOf('.'))}.${second.split('.')[2]}`;
  const stray = [{ iss: 'https://other.example' }, { aud: 'other' }, { exp: 1_000_000_000 }].map(tokenOf);
  return { good, bad: [forged, ...stray, 'no token at all'] };
}

async function setPolicy(system: GatewardenSystem, method: string, proxy: SoakProxy, policy: object): Promise<void> {
  await succeed(system, method, `${PROJECT}/apiProxies/${proxy}/policies/only/`, policyBody(policy, [ENVIRONMENT]));
}

/** The change of a number: proxies under traffic in turn, each so that its answers stay what they have to be. */
export async function changeConfiguration(system: GatewardenSystem, number: number): Promise<void> {
  const turns = [
    () => setPolicy(system, 'PUT', 'changed', markerPolicy(number)),
    () => setPolicy(system, 'PUT', 'verified', verifyPolicy(1 + (number % 60))),
    () => setPolicy(system, 'PUT', 'login', { ...loginPolicy, description: `change ${number}` }),
  ];
  await turns[number % turns.length]?.();
}

async function succeed(system: GatewardenSystem, method: string, path: string, body: object): Promise<any> {
  const answer = await system.api(method, path, body);
  const isDeployed = answer.body.deploymentResult?.success !== false;
  if (answer.status === 200 && isDeployed) return answer.body;
  throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
}
