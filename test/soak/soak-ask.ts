import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

const ANSWER_WITHIN_MS = 30_000;

export interface SoakQuestion {
  readonly url: string;
  /** Connections that are kept; false: one of its own. */
  readonly agent: http.Agent | false;
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: Buffer;
  /** The body goes without a length, in pieces of so many bytes. */
  readonly chunkBytes?: number;
  /** Reads for so long and then not for as long, over and over. */
  readonly slowMs?: number;
  /** Goes away as soon as this has come. */
  readonly leaveAt?: 'head';
}

export interface SoakAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly bytes: number;
  readonly text: string;
}

/** One request. @throws Error when no whole answer comes */
export async function soakAsk(question: SoakQuestion): Promise<SoakAnswer> {
  const { url, agent, method = 'GET', headers = {}, body, chunkBytes, slowMs, leaveAt } = question;
  const length = body === undefined || chunkBytes !== undefined ? {} : { 'content-length': body.length };
  const request = http.request(url, { agent, method, headers: { ...headers, ...length }, timeout: ANSWER_WITHIN_MS });
  request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)));
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  if (body !== undefined && chunkBytes !== undefined) {
    for (let at = 0; at < body.length; at += chunkBytes) request.write(body.subarray(at, at + chunkBytes));
    request.end();
  } else request.end(body);
  const [response] = await answered;
  if (leaveAt === 'head') {
    response.on('error', () => undefined);
    response.destroy();
    return { status: response.statusCode ?? 0, headers: response.headers, bytes: 0, text: '' };
  }
  return wholeAnswer(response, slowMs);
}

async function wholeAnswer(response: IncomingMessage, slowMs: number | undefined): Promise<SoakAnswer> {
  const pieces: Buffer[] = [];
  for await (const piece of response as AsyncIterable<Buffer>) {
    pieces.push(piece);
    if (slowMs !== undefined) await pause(slowMs);
  }
  const all = Buffer.concat(pieces);
  const { statusCode: status = 0, headers } = response;
  return { status, headers, bytes: all.length, text: all.toString('utf8', 0, Math.min(all.length, 4_096)) };
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
