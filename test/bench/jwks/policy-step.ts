import type { KeyObject } from 'node:crypto';
import type { VerifiedTokens } from '#libs/jwt-engine';
import { parseProxyArtifact } from '#libs/policy-contracts';
import { Exchange, linkProxy, type KeySets, type LinkedProxy } from '#libs/policy-runtime';
import { type Contestant } from '../jwt-engine/rounds.ts';
import { atOf, AUDIENCE, flat, ISSUER, NOW_SECONDS, TOKENS } from '../jwt-engine/signed-tokens.ts';
import { ADDRESS } from './gateway-key-sets.ts';

const NOW_MS = NOW_SECONDS * 1_000;

/** Where a policy takes its key from. */
export interface KeySource {
  readonly publicKey: Readonly<Record<string, unknown>>;
  readonly keySets?: KeySets;
  readonly verifiedTokens?: VerifiedTokens | undefined;
}

export const literalKey = (key: KeyObject): KeySource => ({
  publicKey: { value: key.export({ type: 'spki', format: 'pem' }).toString() },
});
export const literalSet = (text: string): KeySource => ({ publicKey: { jwks: { value: text } } });
export const setByAddress = (keySets: KeySets): KeySource => ({ publicKey: { jwks: { uri: ADDRESS } }, keySets });

function proxyWith(policy: object, { keySets, verifiedTokens }: Omit<KeySource, 'publicKey'>): LinkedProxy {
  const parsed = parseProxyArtifact({
    ...{ formatVersion: 1, project: 'shop', proxy: 'orders', proxyId: 'id', revision: 1, endpoints: [] },
    ...{ variables: {}, signingKeys: {} },
    environment: { name: 'bench', tokenIssuer: 'https://issuer.bench', expiresInUnit: 'SECONDS' },
    route: { paths: ['/orders'], hosts: [], methods: [], headers: [] },
    upstream: {
      addresses: [{ url: 'http://127.0.0.1:9', weight: 1 }],
      ...{ loadBalance: 'ROUND_ROBIN', connectTimeoutMs: 1_000, readTimeoutMs: 1_000, retryCount: 0 },
    },
    pipelines: { request: [{ name: 'check', policy }], response: [], error: [] },
  });
  if (!parsed.ok) throw new Error(`broken assumption: ${JSON.stringify(parsed.faults)}`);
  const options = { faultCodes: 'documented', verifiedTokens } as const;
  const linked = linkProxy(parsed.value, keySets === undefined ? options : { ...options, keySets });
  if (!linked.ok) throw new Error(`broken assumption: ${JSON.stringify(linked.faults)}`);
  return linked.proxy;
}

// prettier-ignore -- names beside their values
const headersWith = (authorization: string): string[] => [
  'Host',
  'api.example.org',
  'User-Agent',
  'client/1.2',
  'Accept',
  'application/json',
  'Accept-Encoding',
  'gzip, br',
  'X-Request-Id',
  'a1b2c3',
  'Authorization',
  authorization,
];

/** A request as the gateway makes it of what it received. */
const exchangeWith = (proxy: LinkedProxy, authorization: string): Exchange =>
  new Exchange(
    {
      method: 'GET',
      path: '/orders/7',
      queryString: '',
      httpVersion: '1.1',
      scheme: 'https',
      body: undefined,
      peerAddress: '198.51.100.4',
      clientAddress: '192.0.2.7',
      host: 'api.example.org',
      rawHeaders: headersWith(authorization),
    },
    proxy,
    '/7',
    NOW_MS,
    'c0ffee',
  );

export interface StepWishes {
  readonly name: string;
  readonly algorithm: string;
  readonly tokenAt: (index: number) => string;
  readonly source: KeySource;
  /** The fault that every token ends in. Left out: all pass. */
  readonly fault?: string;
}

/** One request through a linked request pipeline, its exchange included; no step waits. */
function pipelineWork(proxy: LinkedProxy, tokenAt: StepWishes['tokenAt'], fault?: string): (index: number) => boolean {
  const match = proxy.matchEndpoint('GET', '/7');
  if (match.kind !== 'matched') throw new Error(`broken assumption: ${match.kind}`);
  const { route } = match;
  // One flat text, as it was read from the connection.
  const at = atOf(Array.from({ length: TOKENS }, (_, index) => flat(`Bearer ${tokenAt(index)}`)));
  return (index) => {
    const outcome = route.runRequest(exchangeWith(proxy, at(index)), NOW_MS);
    return !(outcome instanceof Promise) && outcome?.name === fault;
  };
}

export function policyStep({ name, algorithm, tokenAt, source, fault }: StepWishes): Contestant {
  const { publicKey } = source;
  const policy = { type: 'policy-verify-jwt', algorithm, publicKey, issuer: ISSUER, audience: AUDIENCE };
  return { name, work: pipelineWork(proxyWith(policy, source), tokenAt, fault) };
}
