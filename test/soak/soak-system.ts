import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';
import { PROBED } from './heap-probe.ts';
import { Markers } from './markers.ts';
import { ownCertificate } from './soak-certificate.ts';
import { SoakUpstream } from './soak-upstream.ts';

export const ENVIRONMENT = 'production';
const PROJECT = '/apiops/projects/soak';
/** The second one speaks TLS, with HTTP/1.1 and HTTP/2; the first one plain HTTP/1.1. */
const GATEWAYS = 2;
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
  readonly tokens: { readonly good: readonly string[]; readonly bad: readonly BadToken[] };
  readonly markers: Markers;
  /** Certificate of the gateway that speaks TLS, in PEM. */
  readonly trusted: string;
  /** Ends all that was started. */
  readonly stop: () => Promise<void>;
}

export interface BadToken {
  readonly token: string;
  /** The code that it is refused with. */
  readonly fault: string;
}

/** Whether a gateway of this id speaks TLS. */
export const speaksTls = (gatewayId: string): boolean => gatewayId.endsWith(`-${GATEWAYS}`);

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

/** The status of a change is that of its number, so that one of another change shows. */
export const MARKER_STATUSES = [200, 202, 403, 409, 503] as const;

/** Answers by itself, with which change it is of. */
const markerPolicy = (marker: number) => ({
  ...{ type: 'policy-raise-fault', statusCode: MARKER_STATUSES[marker % MARKER_STATUSES.length] },
  ...{ contentType: 'text/plain', payload: `change ${marker}` },
});

/** One environment with two gateways, a control plane, and proxies for each kind of traffic. */
export async function startSoakSystem(): Promise<SoakGround> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-soak-'));
  const upstream = new SoakUpstream();
  const ended = [() => upstream.close(), async () => rmSync(directory, { recursive: true })];
  const stop = async (): Promise<void> => {
    for (const end of ended) await end();
  };
  try {
    const address = await upstream.listen();
    const { trusted, gatewaySettings } = tlsOfTheLast(directory);
    const layout = { gatewaysEach: GATEWAYS, deployers: 0, gatewaySettings };
    const system = await GatewardenSystem.start([ENVIRONMENT], layout);
    ended.unshift(() => system.stop());
    const client = await createProxies(system, address);
    return { system, upstream, client, trusted, tokens: tokens(), markers: new Markers(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Every login brings tokens that nobody shows later. They are forgotten after 5 to 10 minutes, or when the cache is full: here
 * that is soon, so that what the heap gains afterwards is nothing of theirs.
 */
const SETTINGS = { ...PROBED, VERIFIED_TOKEN_CACHE_ENTRIES: '500' } as const;

function tlsOfTheLast(directory: string) {
  const { key, cert: trusted } = ownCertificate();
  const [TLS_KEY_FILE, TLS_CERT_FILE] = [path.join(directory, 'key.pem'), path.join(directory, 'cert.pem')];
  writeFileSync(TLS_KEY_FILE, key, { mode: 0o600 });
  writeFileSync(TLS_CERT_FILE, trusted);
  const gatewaySettings = (number: number): Readonly<Record<string, string>> =>
    number === GATEWAYS ? { ...SETTINGS, TLS_KEY_FILE, TLS_CERT_FILE } : SETTINGS;
  return { trusted, gatewaySettings };
}

/** @returns how the client of the `login` proxy is named */
async function createProxies(system: GatewardenSystem, address: string): Promise<SoakGround['client']> {
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
  return client;
}

/** All log in as one client: with fewer logins than that at a time, none of them ends another before it is refreshed. */
const loginPolicy = authJwtPolicy({ grantType: 'CLIENT_CREDENTIALS', refreshTokenCount: 100 });

function tokens(): SoakGround['tokens'] {
  const good = Array.from({ length: 200 }, (_none, index) => tokenOf({ jti: `soak-${index}` }));
  const [first = '', second = ''] = good;
  const forged = `${first.slice(0, first.lastIndexOf('.'))}.${second.split('.')[2]}`;
  const bad = [
    { token: forged, fault: 'steps.jwt.InvalidToken' },
    { token: tokenOf({ iss: 'https://other.example' }), fault: 'steps.jwt.JwtIssuerMismatch' },
    { token: tokenOf({ aud: 'other' }), fault: 'steps.jwt.JwtAudienceMismatch' },
    { token: tokenOf({ exp: 1_000_000_000 }), fault: 'steps.jwt.TokenExpired' },
    { token: 'no token at all', fault: 'steps.jwt.FailedToDecode' },
  ];
  return { good, bad };
}

async function setPolicy(system: GatewardenSystem, method: string, proxy: SoakProxy, policy: object): Promise<any> {
  return succeed(system, method, `${PROJECT}/apiProxies/${proxy}/policies/only/`, policyBody(policy, [ENVIRONMENT]));
}

/** The change of a number: proxies under traffic in turn. What may be answered during and after it is exact. */
export async function changeConfiguration({ system, markers }: SoakGround, number: number): Promise<void> {
  const turns = [
    () => changeMarker(system, markers, number),
    () => setPolicy(system, 'PUT', 'verified', verifyPolicy(1 + (number % 60))),
    () => setPolicy(system, 'PUT', 'login', { ...loginPolicy, description: `change ${number}` }),
  ];
  await turns[number % turns.length]?.();
}

async function changeMarker(system: GatewardenSystem, markers: Markers, number: number): Promise<void> {
  markers.asked = number;
  const { deploymentResult } = await setPolicy(system, 'PUT', 'changed', markerPolicy(number));
  // A gateway that got no processor time for seconds is not waited for: nothing was promised of it then.
  if (deploymentResult.deploymentResults[0].gateways.applied === GATEWAYS) markers.deployed(number);
}

/** Whether both gateways say that they have a last change of this number, which they are asked for. */
export async function changeReachesAll({ system, markers }: SoakGround, number: number): Promise<boolean> {
  await changeMarker(system, markers, number);
  return markers.isDeployed(number);
}

async function succeed(system: GatewardenSystem, method: string, path: string, body: object): Promise<any> {
  const answer = await system.api(method, path, body);
  const isDeployed = answer.body.deploymentResult?.success !== false;
  if (answer.status === 200 && isDeployed) return answer.body;
  throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
}
