import type { Fault } from './fault.ts';

/** A fault in Apinizer's envelope (contract 5), whose form a proxy's error template may replace. */
export interface EnvelopeFault extends Pick<Fault, 'status' | 'policy' | 'reason' | 'message'> {
  /** `ERR-044`, `GWD-009` … */
  readonly code: string;
  readonly text: string;
  readonly correlationId: string;
  readonly headers?: Fault['headers'] | undefined;
}

export function envelopeFault({ code, text, correlationId, headers = [], ...rest }: EnvelopeFault): Fault {
  const fault = {
    correlationId,
    faultCode: code,
    faultString: text,
    faultStatusCode: String(rest.status),
    responseFromApi: '',
  };
  return {
    ...rest,
    headers: [['Content-Type', 'application/json;charset=UTF-8'], ...headers],
    body: JSON.stringify({ fault }),
    name: code,
    envelope: { code, text },
  };
}
