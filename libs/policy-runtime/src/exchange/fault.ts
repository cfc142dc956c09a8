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
  /** Left out: the usual phrase of the status. Nothing that may not stand in a status line. */
  readonly reasonPhrase?: string;
  /** What a fault in Apinizer's envelope says: a proxy's error template is filled with it. Other faults keep their form. */
  readonly envelope?: { readonly code: string; readonly text: string };
  /** An answer that a policy was placed to give: in the ERROR pipeline it takes the place of the fault. */
  readonly isRaised?: true;
}
