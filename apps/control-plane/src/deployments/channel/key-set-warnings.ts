import type { LeaseState } from '#libs/config-distribution';
import type { GatewayWarning } from '../../deployment-requests/deployment-rows.ts';

/** What a warning is of. */
interface AppliedDeployment {
  readonly proxyId: string;
  readonly deployment: number;
}

/** Origin and path: the rest of an address may hold a secret. '' of what is no address of a key set. */
export function shownAddress(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null;
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? `${url.origin}${url.pathname}` : '';
}

/**
 * The key sets of a deployment that a gateway has not, as its lease says it.
 *
 * @returns undefined: it is of an earlier build, which does not say it
 */
export function keySetWarningsOf(
  { gatewayId, keySetNotes }: LeaseState,
  { proxyId, deployment }: AppliedDeployment,
): readonly GatewayWarning[] | undefined {
  const ofIt = keySetNotes?.filter((note) => note.proxyId === proxyId && note.deployment === deployment);
  const warnings = ofIt?.map(({ address, state, reason = null }) => {
    const warning: GatewayWarning = { gatewayId, address: shownAddress(address), state, reason };
    return [JSON.stringify(warning), warning] as const;
  });
  // Addresses that differ in their query only look the same.
  return warnings && [...new Map(warnings).values()];
}

function sentenceOf({ address, state, reason }: GatewayWarning): string {
  const keySet = address === '' ? 'a key set whose address is none' : `the key set ${address}`;
  if (state === 'fetching') return `${keySet} is still being fetched`;
  return reason === null ? `${keySet} cannot be fetched` : `${keySet} cannot be fetched (${reason})`;
}

/** How people are told that a gateway applied a deployment. */
export const appliedWith = (warnings: readonly GatewayWarning[]): string =>
  ['applied', ...warnings.map(sentenceOf)].join('; ');
