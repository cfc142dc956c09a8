/** A server process that this process started and owns. */
export interface RunningServer {
  /** Connection address. PostgreSQL's holds the password: it must not be logged. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves once the process has gone, for whatever reason. */
  readonly exited: Promise<void>;
  /** Stops the server without losing anything it holds and waits until it has gone. May be called twice. */
  stop(): Promise<void>;
}
