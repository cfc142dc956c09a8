import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { GatewayStatus } from './admin/gateway-status.ts';
import type { GatewayConfig } from './config/gateway.config.ts';
import { connectOnce } from './config-subscriber/environment-redis.ts';
import type { ServedConfiguration } from './config-subscriber/served-configuration.ts';
import type { GatewayParts } from './gateway-parts.ts';
import type { ConnectionAcceptor } from './http-server/listener/connection-acceptor.port.ts';
import { CONNECTION_ACCEPTOR, GATEWAY_CONFIG, GATEWAY_PARTS, LOGGER } from './injection-tokens.ts';
import { CannotListen } from './listening.ts';
import { errorFacts, type Logger } from '#libs/program-shell';

/** How often key sets are looked at whose time may have come to be fetched again. */
const KEY_SETS_REFRESHED_EVERY_MS = 1_000;

/** The order in which a gateway starts and stops. */
@Injectable()
export class GatewayLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown, GatewayStatus {
  private isStopping = false;
  private hasLooked = false;
  private following: Promise<void> | undefined;
  private refreshing: NodeJS.Timeout | undefined;

  constructor(
    @Inject(GATEWAY_CONFIG) private readonly config: GatewayConfig,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(GATEWAY_PARTS) private readonly parts: GatewayParts,
    @Inject(CONNECTION_ACCEPTOR) private readonly acceptor: ConnectionAcceptor | null,
  ) {}

  get environment(): string {
    return this.config.environment;
  }

  /**
   * Not before it has looked at Redis once, whatever came of that: its copy on disk may be from before a key rotated, and
   * the tokens of the new key are refused by it.
   */
  get notReadyBecause(): string | null {
    if (this.isStopping) return 'it stops';
    if (!this.hasLooked) return 'Redis was not looked at yet';
    return this.parts.subscriber.notReadyBecause;
  }

  get deployment(): number {
    return this.parts.subscriber.highestDeployment;
  }

  get configuration(): ServedConfiguration | undefined {
    return this.parts.active.current;
  }

  /**
   * Serves from the snapshot first and looks at Redis then: it may be away.
   *
   * @throws SnapshotInUse, SnapshotDirectoryUnusable, CannotListen
   */
  async onApplicationBootstrap(): Promise<void> {
    const { snapshot, subscriber, keySets, address } = this.parts;
    snapshot.open();
    await subscriber.restore();
    await this.parts.observers.open();
    await this.openTraffic();
    this.refreshing = setInterval(() => keySets.refreshDue(), KEY_SETS_REFRESHED_EVERY_MS);
    const { environment, gatewayId } = this.config;
    this.logger.info({ environment, gatewayId, address: address.text() }, 'gateway listens');
    this.following = this.follow().catch((error: unknown) =>
      this.logger.error(errorFacts(error), 'the configuration cannot be followed'),
    );
  }

  /** Accepts nothing more, lets requests in flight finish, and says that it is gone. */
  async beforeApplicationShutdown(): Promise<void> {
    const { traffic, subscriber, keySetFetcher, upstream, redis, snapshot, tokenJournal } = this.parts;
    this.isStopping = true;
    clearInterval(this.refreshing);
    await traffic.drain(this.config.drainTimeoutMs);
    await this.following;
    tokenJournal.close();
    await this.parts.observers.close();
    await subscriber.stop();
    keySetFetcher.close();
    await upstream.close();
    redis.disconnect();
    snapshot.close();
    if (this.following !== undefined) this.logger.info('gateway stopped');
  }

  private async openTraffic(): Promise<void> {
    if (this.acceptor !== null) return this.parts.traffic.takeFrom(this.acceptor);
    const { host, port } = this.config;
    try {
      this.parts.address.opened((await this.parts.traffic.listen(host, port)).port);
    } catch (error) {
      throw new CannotListen('PORT', host, port, error);
    }
  }

  private async follow(): Promise<void> {
    const { redis, subscriber } = this.parts;
    await connectOnce(redis);
    if (this.isStopping) return;
    await subscriber.start();
    await subscriber.look();
    this.hasLooked = true;
    redis.on('ready', () => void subscriber.look());
  }
}
