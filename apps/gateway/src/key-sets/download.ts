import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Client, type Dispatcher } from 'undici';
import { failed, type DownloadedDocument, type FailedFetch } from './fetched-document.ts';
import { freshForSeconds } from './freshness.ts';
import type { KeySetGuard } from './key-set-guard.ts';

export interface DownloadOptions {
  readonly guard: KeySetGuard;
  /** Of the body, as it came and as it is after decompression. */
  readonly maxBodyBytes: number;
  /** Authorities that servers' certificates may come from, in PEM. Default: those that Node.js trusts. */
  readonly authorities?: string | undefined;
}

/** One answer: the end of a fetch, or where it goes on. */
export type Downloaded =
  DownloadedDocument | FailedFetch | { readonly ok: 'redirect'; readonly location: string | undefined };

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const REQUEST_HEADERS = {
  accept: 'application/jwk-set+json, application/json',
  'accept-encoding': 'gzip',
  'user-agent': 'Gatewarden',
} as const;

const unzip = promisify(gunzip);

async function bodyOf(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function plainBody(coded: Buffer, coding: string, maxBytes: number): Promise<Buffer | 'too-large' | 'encoding'> {
  if (coding === '' || coding === 'identity') return coded;
  if (coding !== 'gzip' && coding !== 'x-gzip') return 'encoding';
  try {
    return await unzip(coded, { maxOutputLength: maxBytes });
  } catch (error) {
    return Reflect.get(error as Error, 'code') === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : 'encoding';
  }
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

async function read(answer: Dispatcher.ResponseData, maxBytes: number): Promise<Downloaded> {
  const { statusCode, headers, body } = answer;
  if (REDIRECTS.has(statusCode)) return { ok: 'redirect', location: [headers['location'] ?? []].flat()[0] };
  if (statusCode < 200 || statusCode > 299) return failed('http-status', String(statusCode));
  const coded = await bodyOf(body as AsyncIterable<Uint8Array>, maxBytes);
  if (coded === undefined) return failed('too-large');
  const coding = String(headers['content-encoding'] ?? '').trim();
  const plain = await plainBody(coded, coding.toLowerCase(), maxBytes);
  if (typeof plain === 'string') return failed(plain);
  const text = textOf(plain);
  return text === undefined ? failed('not-a-key-set') : { ok: true, text, freshForSeconds: freshForSeconds(headers) };
}

/**
 * Asks for one address, over a connection of its own: a set is fetched every few minutes, and what is not kept needs no
 * closing. Sends nothing but the address: no cookies, no credentials.
 *
 * @throws what the connection fails with, or the reason of `signal`
 */
export async function download(url: URL, signal: AbortSignal, options: DownloadOptions): Promise<Downloaded> {
  const { guard, maxBodyBytes, authorities } = options;
  const trust = authorities === undefined ? {} : { ca: authorities };
  // The connection has the signal too: a request has none of its own before it is connected.
  const client = new Client(url.origin, { connect: { lookup: guard.lookupFor(url), signal, ...trust } });
  try {
    const path = `${url.pathname}${url.search}`;
    const answer = await client.request({ path, method: 'GET', headers: REQUEST_HEADERS, signal });
    return await read(answer, maxBodyBytes);
  } finally {
    void client.destroy();
  }
}
