import { Injectable, type BeforeApplicationShutdown, type MessageEvent } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { Observable, type Subscriber } from 'rxjs';
import type { DeploymentProgress } from './deployment-progress.query.ts';

const LOOK_EVERY_MS = 250;
/** So that nobody in between takes a silent connection for a dead one. */
const HEARTBEAT_EVERY_MS = 15_000;

type Look = () => Promise<DeploymentProgress>;

/** Progress of deployments as server-sent events: one whenever something is new, until nothing can be any more. */
@Injectable()
export class DeploymentStreams implements BeforeApplicationShutdown {
  private readonly open = new Set<AbortController>();

  /** How many are being read. */
  get count(): number {
    return this.open.size;
  }

  /** A connection that stays open would hold up the end of the process. */
  beforeApplicationShutdown(): void {
    for (const stream of this.open) stream.abort();
  }

  /** @param first what is known already; the rest is looked up for as long as somebody reads. */
  follow(first: DeploymentProgress, look: Look): Observable<MessageEvent> {
    return new Observable((subscriber) => {
      const stream = new AbortController();
      this.open.add(stream);
      void this.send(subscriber, first, { look, signal: stream.signal });
      return () => {
        stream.abort();
        this.open.delete(stream);
      };
    });
  }

  private async send(
    subscriber: Subscriber<MessageEvent>,
    first: DeploymentProgress,
    { look, signal }: { readonly look: Look; readonly signal: AbortSignal },
  ): Promise<void> {
    let seen = '';
    let saidAtMs = 0;
    const say = (event: MessageEvent): void => {
      saidAtMs = performance.now();
      subscriber.next(event);
    };
    try {
      for (let progress = first; !signal.aborted; progress = await look()) {
        const text = JSON.stringify(progress);
        if (text !== seen) say({ type: progress.settled ? 'settled' : 'progress', data: text });
        else if (performance.now() - saidAtMs > HEARTBEAT_EVERY_MS) say({ type: 'heartbeat', data: '{}' });
        seen = text;
        if (progress.settled) break;
        await pause(LOOK_EVERY_MS, undefined, { signal });
      }
    } catch {
      // The reader left, the process ends, or the database is away: whoever still wants to know connects again.
    }
    subscriber.complete();
  }
}
