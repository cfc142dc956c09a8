import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';
import { requestToken } from '../support/token-client.ts';

export const ENVIRONMENTS = ['staging', 'production'] as const;
export const PROJECT = '/apiops/projects/chaos';
/** Nobody changes it: what is asked of it never fails. */
export const QUIET = 'quiet';
/** Short: whoever changes something goes on to the next change while an environment is away. */
const DEPLOY_TIMEOUT_MS = '1500';

export interface ChaosSetUp {
  readonly system: GatewardenSystem;
  /** Those that are changed. */
  readonly proxies: readonly string[];
  /** Tokens for the proxy that nobody touches, by environment. */
  readonly tokens: ReadonlyMap<string, string>;
}

/** A raise-fault policy whose answer says which change it is of. */
export const markerPolicy = (marker: string) => ({
  ...{ type: 'policy-raise-fault', statusCode: 200, contentType: 'text/plain', payload: marker },
});

async function succeed(system: GatewardenSystem, method: string, path: string, body: object): Promise<any> {
  const answer = await system.api(method, path, body);
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Two environments whose parts are all processes of their own, with proxies that are changed and one that is not. */
export async function startChaosSystem(layout: { proxies: number; gatewaysEach: number }): Promise<ChaosSetUp> {
  const { gatewaysEach } = layout;
  const settings = { DEPLOY_TIMEOUT_MS };
  const system = await GatewardenSystem.start(ENVIRONMENTS, { gatewaysEach, deployers: 2, settings });
  try {
    await succeed(system, 'POST', '/apiops/projects/', { name: 'chaos' });
    const proxies = Array.from({ length: layout.proxies }, (_, index) => `p${index + 1}`);
    for (const name of proxies) await addMarkedProxy(system, name);
    return { system, proxies, tokens: await addQuietProxy(system) };
  } catch (error) {
    await system.stop();
    throw error;
  }
}

async function addMarkedProxy(system: GatewardenSystem, name: string): Promise<void> {
  await succeed(system, 'POST', `${PROJECT}/apiProxies/url/`, proxyBody(name, `/${name}`, system.upstreamUrl));
  const path = `${PROJECT}/apiProxies/${name}/policies/marker/`;
  await succeed(system, 'POST', path, policyBody(markerPolicy(`${name} 0`), ENVIRONMENTS));
}

async function addQuietProxy(system: GatewardenSystem): Promise<Map<string, string>> {
  const body = proxyBody(QUIET, `/${QUIET}`, system.upstreamUrl);
  const created = await succeed(system, 'POST', `${PROJECT}/apiProxies/url/`, body);
  const policy = authJwtPolicy({ grantType: 'CLIENT_CREDENTIALS', tokenExpiresInAmount: 86_400 });
  const path = `${PROJECT}/apiProxies/${QUIET}/policies/jwt/`;
  await succeed(system, 'POST', path, policyBody(policy, ENVIRONMENTS));
  const { publicKey, secretKey } = created.resultList[0];
  const form = { grant_type: 'client_credentials', client_id: publicKey, client_secret: secretKey };
  const tokens = new Map<string, string>();
  for (const name of ENVIRONMENTS) {
    const answer = await requestToken(system.gateway(name).url, form);
    if (answer.status !== 200) throw new Error(`no token of ${name}: ${answer.status} ${JSON.stringify(answer.body)}`);
    tokens.set(name, String(answer.body.access_token));
  }
  return tokens;
}
