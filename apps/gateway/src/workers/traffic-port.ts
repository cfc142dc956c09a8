import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { acceptWaiting } from '../http-server/listener/accept-waiting.ts';
import { CannotListen } from '../listening.ts';
import { errorFacts, type Logger } from '#libs/program-shell';
import type { HandOver } from './hand-over.ts';

export interface TrafficPortDeps {
  /** Connections that wait for a worker; one above it is closed at once. */
  readonly maxConnections: number;
  readonly onUnserved: () => void;
  readonly logger: Logger;
}

/** The port that all workers serve: connections are accepted here, read by the worker that gets them. */
export class TrafficPort {
  readonly #server: Server;

  constructor(
    private readonly handOver: HandOver,
    private readonly deps: TrafficPortDeps,
  ) {
    this.#server = createServer({ pauseOnConnect: true }, (socket) => handOver.accept(socket));
    this.#server.maxConnections = deps.maxConnections;
    this.#server.on('drop', () => deps.onUnserved());
  }

  /** @throws CannotListen */
  async listen(host: string, port: number): Promise<void> {
    const server = this.#server;
    server.listen(port, host);
    try {
      await once(server, 'listening');
    } catch (error) {
      throw new CannotListen('PORT', host, port, error);
    }
    server.on('error', (error) => this.deps.logger.warn(errorFacts(error), 'a connection could not be accepted'));
  }

  /** Accepts no more. Fulfils when workers have taken all that came. */
  close(): Promise<void> {
    return this.handOver.finish(this.#stopListening());
  }

  async #stopListening(): Promise<void> {
    if (!this.#server.listening) return;
    await acceptWaiting(this.#server);
    // Not waited for: it would ask the workers, too, which is theirs to say.
    this.#server.close();
  }
}
