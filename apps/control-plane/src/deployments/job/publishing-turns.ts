import type { DeploymentRow } from '../../deployment-requests/deployment-rows.ts';
import { KeyedTurnstile } from '../../turns/keyed-turnstile.ts';

/** Deployments of one environment that are compiled and published at a time; one that does not answer holds up no other. */
const PUBLISHED_AT_ONCE = 10;

/** A proxy is published to an environment by one job at a time, and only so many proxies are at once. */
export class PublishingTurns {
  private readonly ofProxies = new KeyedTurnstile(1);
  private readonly ofEnvironments = new KeyedTurnstile(PUBLISHED_AT_ONCE);

  /** @param publish is told whether it had to wait: what was known before may be old. */
  async take<Value>(
    { environmentId, proxyId }: Pick<DeploymentRow, 'environmentId' | 'proxyId'>,
    publish: (hasWaited: boolean) => Promise<Value>,
  ): Promise<Value> {
    const proxy = `${environmentId}/${proxyId}`;
    const hasWaited = this.ofProxies.isFull(proxy) || this.ofEnvironments.isFull(environmentId);
    // Whoever waits for another job of its proxy takes nobody's place.
    return this.ofProxies.pass(proxy, () => {
      const isFull = this.ofEnvironments.isFull(environmentId);
      return this.ofEnvironments.pass(environmentId, () => publish(hasWaited || isFull));
    });
  }
}
