import type { Socket } from 'node:net';
import { writeAtEndOfTurn, type TurnWriter } from '../../sockets/end-of-turn.ts';
import { UpstreamForbidden } from '../address-guard.ts';
import type { AnswerHead } from './answer-head.ts';
import { AnswerParser, type AnswerSink } from './answer-parser.ts';
import { readAnswerFirst } from './answer-first-writes.ts';
import { type BodyOwner, BodySender } from './body-sender.ts';
import { type ConnectionOptions, keptForMs, type OpenFailure } from './connection-options.ts';
import type { CallConnection, Http1Call } from './http1-call.ts';
import { ReadBuffer } from './read-buffer.ts';
import { NEVER } from './ticks.ts';
import { UpgradedSocket } from './upgraded-socket.ts';

/** Who gives a connection its requests. */
export interface ConnectionOwner {
  /** It can take its first request. */
  opened(connection: Http1Connection): void;
  /** Its last answer is complete: it can take another request. */
  freed(connection: Http1Connection): void;
  /** It is no longer the owner's: closed, or handed over after 101. `failure`: it never was open. */
  left(connection: Http1Connection, failure: OpenFailure | undefined): void;
}

/** A head and a body up to this size leave as one text; above it the copy costs more than a second segment. */
const JOINED_BODY_BYTES = 4 * 1024;
const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : error.name);

/**
 * One connection to an upstream, one request at a time: pipelining gained 3 % here and lets one slow answer hold up others.
 */
export class Http1Connection implements AnswerSink, BodyOwner, CallConnection, TurnWriter {
  /** The last tick that what it waits for may take. */
  deadline: number;

  /** By the clock: ticks come late on a busy machine, while the upstream's time runs on. */
  #usableUntilMs = 0;
  readonly #socket: Socket;
  readonly #parser: AnswerParser;
  readonly #reads = new ReadBuffer();
  #call: Http1Call | undefined;
  #sender: BodySender | undefined;
  #upgraded: UpgradedSocket | undefined;
  #isOpen = false;
  #isGone = false;
  #hasServed = false;
  /** Of the present answer. */
  #hasBytes = false;
  #hasHead = false;
  #isPaused = false;
  /** Paused at the receiver's own wish: it gets nothing at all meanwhile, so that what was read already is kept. */
  #isHeld = false;
  #kept: Buffer | undefined;
  #hasEnded = false;
  #isInRead = false;
  /** A request that goes out at the end of this turn. */
  #unsent = '';

  constructor(
    private readonly owner: ConnectionOwner,
    private readonly options: ConnectionOptions,
  ) {
    this.deadline = options.ticks.after(options.connectTimeoutMs);
    this.#parser = new AnswerParser(options.maxHeadBytes);
    const { socket, ready } = options.opener.open({
      buffer: () => this.#reads.next(),
      callback: (count, bytes) => this.#read(count, bytes as Buffer),
    });
    this.#socket = socket;
    readAnswerFirst(socket, () => this.#writeFailed());
    socket
      .once(ready, () => this.#opened())
      .on('error', (error) => this.#broken(error))
      .on('end', () => this.#ended())
      .on('close', () => this.#closed())
      .on('drain', () => this.#sender?.goOn());
  }

  /** Whether a free connection may still be used: the upstream is not about to close it. */
  isUsableAt(nowMs: number): boolean {
    return nowMs < this.#usableUntilMs;
  }

  /** Sends a request; the connection is free. */
  start(call: Http1Call): void {
    const { request, text } = call;
    this.#call = call;
    call.connection = this;
    this.#hasBytes = false;
    this.#hasHead = false;
    this.#parser.begin(request.method, request.upgrade);
    const { body } = request;
    if (body === undefined) this.#sendSoon(text.head);
    else if (Buffer.isBuffer(body)) this.#writeWhole(text.head, body);
    else {
      this.#sender = new BodySender(this.#socket, body, text.lengthBytes, this);
      this.#sender.start(text.head);
    }
    this.#renewDeadline();
  }

  /** The end of the turn in which the request came. */
  writeNow(): void {
    const text = this.#unsent;
    this.#unsent = '';
    if (text !== '' && !this.#isGone) this.#socket.write(text, 'latin1');
  }

  pause(): void {
    this.#isHeld = true;
    this.#parser.isHeld = true;
    this.#stopReading();
  }

  resume(): void {
    this.#isHeld = false;
    this.#parser.isHeld = false;
    if (this.#kept !== undefined) return queueMicrotask(() => this.#readKept());
    this.#goOnReading();
  }

  /** Nobody wants the answer any more. */
  giveUp(): void {
    this.#call = undefined;
    this.#kept = undefined;
    this.close();
  }

  close(): void {
    if (this.#upgraded !== undefined) return;
    this.#leave(undefined);
    this.#sender?.stop();
    this.#parser.stop();
    this.#socket.destroy();
  }

  /** The deadline has passed. */
  late(): void {
    if (!this.#isOpen) this.#fail('connect-timeout');
    else if (this.#call === undefined) this.close();
    else if (this.#hasHead) this.#fail('idle-timeout');
    else {
      const call = this.#call;
      this.giveUp();
      call.fail({ kind: 'timeout', reason: 'head-timeout' });
    }
  }

  interim({ status, headers }: AnswerHead): void {
    this.#call?.receiver.interim(status, headers);
  }

  head({ status, statusText, headers }: AnswerHead): void {
    this.#hasHead = true;
    if (status !== 101) this.#call?.receiver.head(status, statusText, headers);
  }

  body(bytes: Buffer, from: number, to: number): void {
    const call = this.#call;
    if (call === undefined) return;
    // What came with this piece still goes to the receiver: it is one read at most.
    if (!call.receiver.piece(this.#reads.take(bytes, from, to))) this.#stopReading();
  }

  bodyProgressed(): void {
    this.#renewDeadline();
  }

  bodyFailed(reason: string): void {
    this.#fail(reason);
  }

  #opened(): void {
    this.#isOpen = true;
    this.#restFor(this.options.idleTimeoutMs);
    this.owner.opened(this);
  }

  #sendSoon(text: string): void {
    this.#unsent = text;
    writeAtEndOfTurn(this);
  }

  #writeWhole(head: string, body: Buffer): void {
    if (body.length <= JOINED_BODY_BYTES) {
      this.#socket.write(head + body.toString('latin1', 0, body.length), 'latin1');
      return;
    }
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    this.#socket.write(body);
    this.#socket.uncork();
  }

  #renewDeadline(): void {
    const call = this.#call;
    if (call === undefined) return;
    const { ticks } = this.options;
    if (this.#isPaused) this.deadline = NEVER;
    else if (this.#hasHead) this.deadline = ticks.after(call.request.idleTimeoutMs);
    // A slow client is the client's fault, whose own deadlines see to it.
    else if (this.#sender?.awaitsClient === true) this.deadline = NEVER;
    else this.deadline = ticks.after(call.request.headTimeoutMs);
  }

  #stopReading(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    // A read that is being looked at ends in a pause by itself.
    if (!this.#isInRead) this.#socket.pause();
    this.#renewDeadline();
  }

  #goOnReading(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (!this.#isInRead) this.#socket.resume();
    this.#renewDeadline();
  }

  #read(count: number, bytes: Buffer): boolean {
    const call = this.#call;
    if (this.#upgraded !== undefined) return this.#upgraded.came(Buffer.from(bytes.subarray(0, count)));
    if (call === undefined) {
      // Nothing was asked: whatever it is, it must not become the answer to the next request.
      this.close();
      return true;
    }
    if (this.#unsent !== '') {
      // It came before the request went: what it answers is not known.
      this.#fail('answer-unasked');
      return true;
    }
    this.#hasBytes = true;
    if (this.#isHeld || this.#kept !== undefined) this.#keep(bytes.subarray(0, count));
    else this.#parse(call, bytes, count);
    return !this.#isPaused;
  }

  #parse(call: Http1Call, bytes: Buffer, count: number): void {
    this.#isInRead = true;
    const end = this.#parser.read(bytes, 0, count, this);
    this.#isInRead = false;
    if (this.#call !== call) return;
    if (this.#parser.isDone) return this.#finish(call, bytes, end, count);
    if (this.#parser.fault !== undefined) return this.#fail(this.#parser.fault);
    if (end < count) this.#keep(bytes.subarray(end, count));
    // A part of a head gains no time for the rest of it.
    if (this.#hasHead) this.#renewDeadline();
  }

  /** TLS may still have something to give after reading was stopped. */
  #keep(bytes: Buffer): void {
    this.#kept = this.#kept === undefined ? Buffer.from(bytes) : Buffer.concat([this.#kept, bytes]);
  }

  #readKept(): void {
    const kept = this.#kept;
    if (kept === undefined || this.#call === undefined || this.#isHeld) return;
    this.#kept = undefined;
    this.#isPaused = false;
    this.#parse(this.#call, kept, kept.length);
    if (!this.#isPaused) this.#socket.resume();
    if (this.#hasEnded) this.#ended();
  }

  #finish(call: Http1Call, bytes: Buffer, end: number, count: number): void {
    const answer = this.#parser.answer;
    if (answer?.status === 101) return this.#handOver(call, answer, Buffer.from(bytes.subarray(end, count)));
    const { trailers } = this.#parser;
    this.#call = undefined;
    call.over();
    const isSaid = answer?.isPersistent === true && this.#keepFor(answer.keepAliveSeconds);
    if (isSaid && end === count && !this.#hasEnded && this.#isAllSent()) this.#rest();
    else this.close();
    call.receiver.ended(trailers);
  }

  /** Where an answer came before the end of its request, the rest of the request would still have to be sent. */
  #isAllSent(): boolean {
    const { writable, writableLength } = this.#socket;
    return this.#sender?.isDone !== false && writable && writableLength === 0;
  }

  #handOver(call: Http1Call, answer: AnswerHead, rest: Buffer): void {
    this.#upgraded = new UpgradedSocket(this.#socket);
    this.#call = undefined;
    call.over();
    this.#leave(undefined);
    this.resume();
    call.receiver.upgraded(answer.statusText, answer.headers, this.#upgraded, rest);
  }

  /** @returns false when the upstream is about to close it */
  #keepFor(saidSeconds: number): boolean {
    const keptMs = keptForMs(saidSeconds, this.options.idleTimeoutMs);
    this.#restFor(keptMs);
    return keptMs > 0;
  }

  #restFor(keptMs: number): void {
    this.deadline = this.options.ticks.after(keptMs);
    this.#usableUntilMs = performance.now() + keptMs;
  }

  #rest(): void {
    this.#sender?.stop();
    this.#sender = undefined;
    this.#hasServed = true;
    this.#reads.rest();
    this.resume();
    this.owner.freed(this);
  }

  /** The other end takes no more. @returns whether what it said before is still to be read */
  #writeFailed(): boolean {
    if (this.#upgraded !== undefined || this.#hasEnded) return false;
    this.#sender?.stop();
    this.#renewDeadline();
    return true;
  }

  #broken(error: Error): void {
    if (this.#upgraded !== undefined) return void this.#upgraded.destroy(error);
    if (!this.#isOpen) this.#leave(openFailureOf(error));
    else this.#fail(codeOf(error));
  }

  #ended(): void {
    if (this.#upgraded !== undefined) return void this.#upgraded.push(null);
    const call = this.#call;
    if (!this.#isOpen) return this.#fail('connection-ended');
    if (call === undefined) return this.close();
    this.#hasEnded = true;
    if (this.#kept !== undefined) return;
    if (!this.#parser.endsWithConnection()) return this.#fail('connection-ended');
    this.giveUp();
    call.over();
    call.receiver.ended([]);
  }

  #closed(): void {
    if (this.#upgraded !== undefined) return void this.#upgraded.destroy();
    this.#fail('connection-closed');
  }

  /** @param reason for logs */
  #fail(reason: string): void {
    const call = this.#call;
    const isUnanswered = !this.#hasBytes;
    if (!this.#isOpen) this.#leave({ kind: 'unreachable', reason });
    this.giveUp();
    const kind = this.#hasHead ? 'truncated' : 'broken';
    call?.fail({ kind, reason, isUnanswered, isStale: isUnanswered && this.#hasServed });
  }

  #leave(failure: OpenFailure | undefined): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.deadline = NEVER;
    this.owner.left(this, failure);
  }
}

const openFailureOf = (error: Error): OpenFailure => ({
  kind: error instanceof UpstreamForbidden ? 'forbidden' : 'unreachable',
  reason: codeOf(error),
});
