import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { generateSigningKey, type JwsAlgorithmName, signingKeyFromJwk } from '#libs/jwt-engine';
import type { KeySetOrders } from '#libs/policy-contracts';
import type { KeySets } from '#libs/policy-runtime';
import type { SignedTokens } from '../jwt-engine/signed-tokens.ts';

export const ADDRESS = 'https://idp.example/jwks';

const FRESH_SECONDS = 3_600;
const DAY_SECONDS = 86_400;

interface GatewayKeySets extends KeySets {
  obey(orders: KeySetOrders): void;
}

/** The gateway is an app: a benchmark enters it as it was built. */
const gatewayModule = async (file: string): Promise<any> =>
  import(pathToFileURL(path.join('dist/apps/gateway/src/key-sets', file)).href);
const { GatewayKeySets } = await gatewayModule('gateway-key-sets.js');

const ignore = (): void => undefined;
const SILENT_VOICE = new Proxy({}, { get: () => ignore });
const SILENT_JOURNAL = new Proxy({}, { get: (_journal, name) => (name === 'voiceOf' ? () => SILENT_VOICE : ignore) });

/** The text of a key set of so many keys, that of the tokens in the middle. */
export function keySetText({ key, keyId, algorithm }: SignedTokens, count: number): string {
  const others = Array.from({ length: count - 1 }, () => otherKey(algorithm));
  const own = { ...key.export({ format: 'jwk' }), kid: keyId };
  const keys = others.toSpliced(Math.floor(others.length / 2), 0, own);
  return JSON.stringify({ keys });
}

function otherKey(algorithm: JwsAlgorithmName): object {
  const { verification, keyId } = signingKeyFromJwk(generateSigningKey(algorithm).jwk);
  return { ...verification.export({ format: 'jwk' }), kid: keyId };
}

/**
 * The key sets of a gateway, with one set that was fetched and that stays fresh while this runs. The order forbids keys at
 * its address.
 */
export async function heldKeySets(text: string, deniedKeyIds: readonly string[] = []): Promise<KeySets> {
  const fetch = ({ flush }: { readonly flush: number }): Promise<object> =>
    Promise.resolve({ ok: true, text, freshForSeconds: FRESH_SECONDS, fetchedAtMs: Date.now(), flush });
  const keySets: GatewayKeySets = new GatewayKeySets({
    ...{ documents: { fetch }, journal: SILENT_JOURNAL, staleLimitSeconds: DAY_SECONDS, nowMs: Date.now },
  });
  if (deniedKeyIds.length > 0) {
    keySets.obey({ flushes: [], denied: deniedKeyIds.map((kid) => ({ uri: ADDRESS, kid })) });
  }
  await keySets.current(ADDRESS);
  return keySets;
}
