import type { Duplex } from 'node:stream';
import type { Exchange, Fault, LinkedRoute } from '#libs/policy-runtime';
import type { UpstreamCall, UpstreamReceiver } from '../upstream/upstream-call.ts';
import type { UpstreamFailure } from '../upstream/upstream-failure.ts';
import type { ClientAnswer, ClientUpgrade } from './client-exchange.ts';
import { CORRELATION_HEADER, PSEUDONYM, type GatewayRefusal } from './gateway-faults.ts';
import { PassedHead, type PassedHeads } from './passed-head.ts';
import {
  endToEndHeaders,
  forwardableTrailers,
  headerMap,
  withChanges,
  withoutLength,
  writableReason,
} from './response-headers.ts';

/** What the relay needs of the request that it answers. */
export interface RelayContext {
  readonly answer: ClientAnswer;
  readonly exchange: Exchange;
  readonly route: LinkedRoute;
  readonly heads: PassedHeads;
  readonly correlationId: string;
  /** Where the client asked for another protocol. */
  readonly upgrade: ClientUpgrade | undefined;
  readonly nowMs: () => number;
  /** Headers (name, value, …) as the client gets them, when nothing else changes them any more. Default: as they are. */
  readonly shapeHeaders: ((headers: readonly string[]) => readonly string[]) | undefined;
  /** Answers with a fault of a response policy. */
  readonly onFault: (fault: Fault) => void;
  /** Answers with a fault of the gateway. */
  readonly onRefusal: (refusal: GatewayRefusal) => void;
  /** An exception: answered without its text. */
  readonly onBroken: (error: unknown) => void;
}

/** Every upstream is asked in HTTP/1.1 (RFC 9110 section 7.6.3). A line of its own continues those before it. */
const OWN_VIA = `1.1 ${PSEUDONYM}`;

const REFUSAL_OF: Readonly<Record<Exclude<UpstreamFailure['kind'], 'truncated'>, GatewayRefusal['name']>> = {
  unreachable: 'upstreamUnreachable',
  exhausted: 'upstreamBusy',
  forbidden: 'upstreamForbidden',
  timeout: 'upstreamTimeout',
  broken: 'upstreamBroken',
  unsendable: 'badRequest',
};

const RETRY_AFTER = [['Retry-After', '1']] as const;

function refusalOf({ kind, reason }: UpstreamFailure): GatewayRefusal {
  const name = kind === 'truncated' ? 'upstreamBroken' : REFUSAL_OF[kind];
  return kind === 'exhausted' ? { name, reason, headers: RETRY_AFTER } : { name, reason };
}

/** Passes the upstream's answer on to the client, through the response policies when there are any. */
export class ResponseRelay implements UpstreamReceiver {
  #call: UpstreamCall | undefined;
  /** `deciding`: the head is here, its policies have not finished. `settled`: nothing of the upstream counts any more. */
  #state: 'waiting' | 'deciding' | 'passing' | 'settled' = 'waiting';
  /** An answer without a body ends while its policies are still deciding. */
  #endedEarly: readonly string[] | undefined;

  constructor(private readonly context: RelayContext) {}

  /** The call whose answer this is; given before anything of it arrives. */
  attach(call: UpstreamCall): void {
    this.#call = call;
    // An interim answer may have filled the connection: what follows waits for its policies all the same.
    this.context.answer.onDrain(() => this.#state === 'deciding' || call.resume());
  }

  /** The client gets another answer, or none: nothing of the upstream counts any more. */
  abandon(): void {
    this.#state = 'settled';
    this.#call?.abort();
  }

  interim(status: number, headers: readonly string[]): void {
    this.context.answer.interim(status, headers);
  }

  started(status: number, statusText: string, rawHeaders: readonly string[]): void {
    const { exchange, route, heads } = this.context;
    const head = heads.of(status, statusText, rawHeaders);
    if (!route.hasResponsePipeline) return this.#pass(head);
    this.#state = 'deciding';
    exchange.response = { status, headers: headerMap(head.headers) };
    let verdict: ReturnType<LinkedRoute['runResponse']>;
    try {
      verdict = route.runResponse(exchange, this.context.nowMs());
    } catch (error) {
      // No fault of the upstream.
      return this.#breakOff(error);
    }
    if (!(verdict instanceof Promise)) return this.#decide(head, verdict);
    this.#call?.pause();
    verdict
      .then((fault) => {
        if (this.#state !== 'deciding') return;
        this.#decide(head, fault);
        this.#call?.resume();
      })
      .catch((error: unknown) => this.#breakOff(error));
  }

  received(chunk: Buffer): boolean {
    return this.#state !== 'passing' || this.context.answer.write(chunk);
  }

  ended(trailers: readonly string[]): void {
    if (this.#state === 'deciding') this.#endedEarly = trailers;
    if (this.#state === 'passing') this.#finish(trailers);
  }

  /** What follows is no HTTP: no response policy sees it. */
  upgraded(statusText: string, rawHeaders: readonly string[], socket: Duplex, rest: Buffer): void {
    const { upgrade, correlationId, shapeHeaders } = this.context;
    if (upgrade === undefined) return void socket.destroy();
    const passed = withoutLength(endToEndHeaders(rawHeaders));
    const headers = [...(shapeHeaders?.(passed) ?? passed), 'Connection', 'Upgrade', 'Upgrade', upgrade.protocol];
    const reason = writableReason(statusText) || 'Switching Protocols';
    upgrade.accept(reason, [...headers, CORRELATION_HEADER, correlationId], socket, rest);
    // Not before: where it throws, `failed` has something to say yet.
    this.#state = 'settled';
  }

  failed(failure: UpstreamFailure): void {
    const { answer, onRefusal } = this.context;
    if (this.#state === 'settled') return;
    this.#state = 'settled';
    // A cut-off answer must never look complete.
    if (answer.isBegun) answer.breakOff();
    else onRefusal(refusalOf(failure));
  }

  #decide(head: PassedHead, fault: Fault | undefined): void {
    if (fault !== undefined) {
      this.abandon();
      return this.context.onFault(fault);
    }
    const changed = this.context.exchange.response;
    if (changed === undefined) return this.#pass(head);
    this.#pass(head.changed(changed.status, withChanges(head.headers, changed.headers)));
  }

  #pass(head: PassedHead): void {
    const { answer, correlationId, shapeHeaders } = this.context;
    const { status, reason, headers } = head;
    const shaped = shapeHeaders === undefined ? head : new PassedHead(status, reason, shapeHeaders(headers));
    answer.begin(shaped, ['Via', OWN_VIA, CORRELATION_HEADER, correlationId]);
    this.#state = 'passing';
    if (this.#endedEarly !== undefined) this.#finish(this.#endedEarly);
  }

  #finish(trailers: readonly string[]): void {
    this.#state = 'settled';
    this.context.answer.end(trailers.length === 0 ? trailers : forwardableTrailers(trailers));
  }

  #breakOff(error: unknown): void {
    if (this.#state === 'settled') return;
    this.abandon();
    this.context.onBroken(error);
  }
}
