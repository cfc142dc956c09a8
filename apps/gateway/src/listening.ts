/** An address that a gateway cannot listen on. Names the setting to change. */
export class CannotListen extends Error {
  readonly code = 'CANNOT_LISTEN';
  constructor(
    readonly setting: 'PORT' | 'ADMIN_PORT',
    readonly host: string,
    readonly port: number,
    cause: unknown,
  ) {
    const reason = (cause as NodeJS.ErrnoException).code;
    const text = reason === 'EADDRINUSE' ? 'is taken' : `cannot be listened on (${String(reason)})`;
    super(`port ${port} of ${host} ${text}: set ${setting} to another one`, { cause });
    this.name = 'CannotListen';
  }
}

/** Where API traffic is really served: known once the port is open. */
export class TrafficAddress {
  private openPort: number;

  constructor(
    readonly host: string,
    configuredPort: number,
  ) {
    this.openPort = configuredPort;
  }

  get port(): number {
    return this.openPort;
  }

  opened(port: number): void {
    this.openPort = port;
  }

  /** `host:port`; an IPv6 address in brackets. */
  text(): string {
    return this.host.includes(':') ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`;
  }
}
