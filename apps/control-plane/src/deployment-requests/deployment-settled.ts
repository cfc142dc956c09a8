import { EventEmitter, once } from 'node:events';

/** Tells whoever waits in this process that a deployment has ended; others look at its row. */
export class DeploymentSettled {
  private readonly emitter = new EventEmitter().setMaxListeners(0);

  /** Once for each deployment, by the process that ended it. */
  announce(environmentId: string, deployment: number): void {
    this.emitter.emit(`${environmentId}/${deployment}`);
    this.emitter.emit('any', environmentId, deployment);
  }

  /** Calls back whenever one ends in this process; gives the way to stop that. */
  onAny(listener: (environmentId: string, deployment: number) => void): () => void {
    this.emitter.on('any', listener);
    return () => this.emitter.off('any', listener);
  }

  /** Resolves at the announcement or after a time, whichever comes first. */
  async next(environmentId: string, deployment: number, withinMs: number): Promise<void> {
    const signal = AbortSignal.timeout(Math.max(1, Math.ceil(withinMs)));
    await once(this.emitter, `${environmentId}/${deployment}`, { signal }).catch(() => undefined);
  }
}
