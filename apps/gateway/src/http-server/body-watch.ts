import type { BodyStream } from './client-exchange.ts';
import type { GatewayRefusal } from './gateway-faults.ts';
import type { RequestLimits } from './request-limits.ts';

export type BodyLimits = Pick<RequestLimits, 'maxBodyBytes' | 'bodyTimeoutMs' | 'bodyIdleTimeoutMs'>;

/** How often bodies that do not move are looked for. */
const LOOK_MS = 1_000;

/** A body on its way. */
class WatchedBody {
  bytes = 0;
  /** Since the last look. */
  hasMoved = false;
  /** Of the present silence, as `performance.now()` tells it. */
  quietSince: number;
  /** When nobody needed the rest any more. */
  uselessSince: number | undefined;

  constructor(
    readonly body: BodyStream,
    readonly startedAt: number,
    readonly refuse: (refusal: GatewayRefusal) => void,
  ) {
    this.quietSince = startedAt;
  }
}

/** Bodies that clients are sending: how large they become, and that they come at all. Costs nothing for a request without. */
export class BodyWatch {
  readonly #watched = new Map<BodyStream, WatchedBody>();
  #looking: NodeJS.Timeout | undefined;

  constructor(private readonly limits: BodyLimits) {}

  /**
   * Does not make the body flow.
   *
   * @param refuse called at most once; the body's own end must not count as success after that
   */
  watch(body: BodyStream, startedAt: number, refuse: (refusal: GatewayRefusal) => void): void {
    const watched = new WatchedBody(body, startedAt, refuse);
    this.#watched.set(body, watched);
    // Not `on`, which would make it flow before anybody takes the pieces.
    body.prependListener('data', (piece: Buffer) => this.#count(watched, piece.length));
    body.once('end', () => this.#forget(body)).once('close', () => this.#forget(body));
    this.#looking ??= setInterval(() => this.#look(performance.now()), LOOK_MS).unref();
  }

  /**
   * The answer is out. What is left of the body is thrown away, so that its client gets to the answer, but not for ever:
   * a client that was not slow may send on for as long as a slow one may be silent.
   */
  release(body: BodyStream): void {
    const watched = this.#watched.get(body);
    if (watched !== undefined) watched.uselessSince ??= performance.now();
  }

  #count(watched: WatchedBody, pieceBytes: number): void {
    watched.hasMoved = true;
    watched.bytes += pieceBytes;
    const { maxBodyBytes } = this.limits;
    if (maxBodyBytes > 0 && watched.bytes > maxBodyBytes) {
      this.#refuse(watched, { name: 'bodyTooLarge', reason: 'received length' });
    }
  }

  #look(now: number): void {
    const { bodyIdleTimeoutMs, bodyTimeoutMs } = this.limits;
    for (const watched of this.#watched.values()) {
      // Paused or not asked for yet: then it is not the client who is slow.
      if (watched.hasMoved || watched.body.readableFlowing !== true) {
        watched.hasMoved = false;
        watched.quietSince = now;
      }
      if (watched.uselessSince !== undefined) {
        if (now - watched.uselessSince >= bodyIdleTimeoutMs) watched.body.destroy();
      } else if (now - watched.quietSince >= bodyIdleTimeoutMs) {
        this.#refuse(watched, { name: 'requestTimeout', reason: 'silent body' });
      } else if (now - watched.startedAt >= bodyTimeoutMs) {
        this.#refuse(watched, { name: 'requestTimeout', reason: 'slow body' });
      }
    }
  }

  #refuse(watched: WatchedBody, refusal: GatewayRefusal): void {
    if (watched.uselessSince !== undefined) return;
    watched.uselessSince = performance.now();
    watched.refuse(refusal);
  }

  #forget(body: BodyStream): void {
    this.#watched.delete(body);
    if (this.#watched.size > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }
}
