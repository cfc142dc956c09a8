import type { LinkedProxy } from '#libs/policy-runtime';
import { claimsOf } from '../route-claim.ts';
import { LiveRouter } from '../router.ts';

/** A router of these proxies and no others, in one step. @throws UnroutablePath */
export function compileRouter(proxies: readonly LinkedProxy[], rootContext: string): LiveRouter {
  const router = new LiveRouter();
  router.change(new Map(proxies.map((proxy) => [proxy.artifact.proxyId, claimsOf(proxy, rootContext)])));
  return router;
}
