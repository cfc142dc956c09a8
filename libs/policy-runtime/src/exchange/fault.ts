/** What the client gets instead of the upstream's answer: a plain value, made when a policy refuses. */
export interface Fault {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** `fault.name`: InvalidToken, ERR-044… */
  readonly name: string;
  /** Name of the policy that refused. */
  readonly policy: string;
  /** For logs. Never holds a secret or a token. */
  readonly reason: string;
  /** What the flow variable `error.message` reads; left out: the reason. */
  readonly message?: string;
}
