/** What one gateway was seen to do with one proxy. */
export type Sighting = {
  /** The highest deployment of which it had been said, before this look began, that this gateway applied it. */
  readonly floor: number;
} & (
  | { readonly kind: 'config'; /** null: not among the proxies served. */ readonly deployment: number | null }
  | { readonly kind: 'answer'; /** null: no such proxy. */ readonly marker: string | null }
);

/** A deployment of a proxy to an environment, and what can be seen of it. */
export interface KnownDeployment {
  readonly deployment: number;
  /** null: undeployed. */
  readonly marker: string | null;
}

/** Keeps what it is shown, in order, and leaves out what says nothing new: neither changed nor after a change of the other kind. */
export class SightingLog {
  readonly kept: Sighting[] = [];
  private readonly latest = new Map<Sighting['kind'], string>();
  private readonly wanted = new Set<Sighting['kind']>();

  note(sighting: Sighting): void {
    const { kind } = sighting;
    const value = JSON.stringify(sighting);
    const isNew = this.latest.get(kind) !== value;
    if (!isNew && !this.wanted.has(kind)) return;
    if (isNew) this.wanted.add('config').add('answer');
    this.wanted.delete(kind);
    this.latest.set(kind, value);
    this.kept.push(sighting);
  }
}

/**
 * What was seen in an order in which nobody who only ever goes on to later deployments can have served it.
 *
 * Each sighting is given the earliest deployment that explains it and is not before the one that was reached; an older
 * *revision* under a later deployment is therefore right, and an older deployment after a newer one never is.
 *
 * @param deployments of the proxy in the gateway's environment, by number
 */
export function backwardSteps(sightings: readonly Sighting[], deployments: readonly KnownDeployment[]): string[] {
  const wrong: string[] = [];
  let reached = 0;
  for (const sighting of sightings) {
    const least = Math.max(reached, sighting.floor);
    const explained = explanationOf(sighting, least, deployments);
    if (explained === undefined) wrong.push(`${textOf(sighting)} although it had reached deployment ${least}`);
    else reached = explained;
  }
  return wrong;
}

function explanationOf(sighting: Sighting, least: number, deployments: readonly KnownDeployment[]): number | undefined {
  if (sighting.kind === 'config' && sighting.deployment !== null) {
    return sighting.deployment >= least ? sighting.deployment : undefined;
  }
  const marker = sighting.kind === 'answer' ? sighting.marker : null;
  // Before the first deployment there is no proxy.
  if (marker === null && least === 0) return 0;
  return deployments.find((one) => one.deployment >= least && one.marker === marker)?.deployment;
}

function textOf(sighting: Sighting): string {
  if (sighting.kind === 'config') {
    return sighting.deployment === null ? 'left it out of /config' : `showed deployment ${sighting.deployment}`;
  }
  return sighting.marker === null ? 'answered that there is no such proxy' : `answered with "${sighting.marker}"`;
}
