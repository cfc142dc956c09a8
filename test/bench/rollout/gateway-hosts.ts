import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { AwaitedChange, HostedGateways, HostMessage } from './host-messages.ts';

const LOADER = path.resolve(import.meta.dirname, '../typescript-loader.mjs');

/** A process with gateways, from the outside. */
class GatewayHost {
  private constructor(private readonly child: ChildProcess) {}

  static async start(hosted: HostedGateways): Promise<GatewayHost> {
    const program = path.resolve(import.meta.dirname, 'gateway-host.ts');
    const child = fork(program, [JSON.stringify(hosted)], { execArgv: ['--no-warnings', '--import', LOADER] });
    child.setMaxListeners(0);
    const host = new GatewayHost(child);
    await host.next('ready');
    return host;
  }

  async lookOutFor(awaited: AwaitedChange): Promise<void> {
    const looking = this.next('looking');
    this.child.send(awaited);
    await looking;
  }

  /** Nanoseconds of the monotonic clock. To be called before the change is sent. */
  async enforced(): Promise<bigint> {
    return BigInt((await this.next('enforced')).atNs);
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.disconnect();
    await exited;
  }

  private next<Kind extends HostMessage['kind']>(kind: Kind): Promise<Extract<HostMessage, { kind: Kind }>> {
    return new Promise((resolve, reject) => {
      const settle = (message?: HostMessage): void => {
        this.child.off('message', settle).off('exit', onExit);
        if (message?.kind === kind) resolve(message as Extract<HostMessage, { kind: Kind }>);
        else reject(new Error(`waited for ${kind} of a gateway host: ${JSON.stringify(message ?? 'it ended')}`));
      };
      const onExit = (): void => settle();
      this.child.on('message', settle).on('exit', onExit);
    });
  }
}

/** The gateways of one environment, spread over some processes. */
export class GatewayHosts {
  private constructor(private readonly hosts: readonly GatewayHost[]) {}

  /** @param gatewayCount of all processes together */
  static async start(
    of: Omit<HostedGateways, 'gatewayIds'>,
    { gatewayCount, processCount }: { readonly gatewayCount: number; readonly processCount: number },
  ): Promise<GatewayHosts> {
    const ids = Array.from({ length: gatewayCount }, (_, index) => `${of.environment}-${index + 1}`);
    const shares = Array.from({ length: processCount }, (_, host) =>
      ids.filter((_id, at) => at % processCount === host),
    );
    return new GatewayHosts(await Promise.all(shares.map((gatewayIds) => GatewayHost.start({ ...of, gatewayIds }))));
  }

  /**
   * Watches a change that `send` sends.
   *
   * @returns milliseconds until every gateway enforced it, and until it was answered, both from before it was sent
   */
  async observe(
    awaited: AwaitedChange,
    send: () => Promise<void>,
  ): Promise<{ enforcedMs: number; answeredMs: number }> {
    await Promise.all(this.hosts.map((host) => host.lookOutFor(awaited)));
    const enforced = Promise.all(this.hosts.map((host) => host.enforced()));
    const sentNs = process.hrtime.bigint();
    const [answeredNs, enforcedNs] = await Promise.all([send().then(() => process.hrtime.bigint()), enforced]);
    const lastNs = enforcedNs.reduce((last, atNs) => (atNs > last ? atNs : last));
    return { enforcedMs: Number(lastNs - sentNs) / 1e6, answeredMs: Number(answeredNs - sentNs) / 1e6 };
  }

  async stop(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.stop()));
  }
}
