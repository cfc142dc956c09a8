import { download, type DownloadOptions } from './download.ts';
import {
  failed,
  type FailedFetch,
  type DownloadedDocument,
  type KeySetSource,
  type RedirectReach,
} from './fetched-document.ts';
import { HostTurns } from './host-turns.ts';

/** Limits of one fetch (verify-jwt.md 13.11). */
export const FETCH_LIMITS = {
  /** From asking to the last byte: waiting for a turn, resolving, connecting and redirects included. */
  timeoutMs: 5_000,
  maxBodyBytes: 1024 * 1024,
  redirects: 3,
  requestsPerHost: 2,
} as const;

export interface KeySetFetcherOptions extends Omit<DownloadOptions, 'maxBodyBytes'> {
  readonly timeoutMs?: number;
}

const FORBIDDEN = 'UPSTREAM_FORBIDDEN';
const ERROR_CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

/** The system's name of an error. Its message may hold an address, so it is not looked at. */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { cause, code: own } = error as { readonly cause?: unknown; readonly code?: unknown };
  const code = codeOf(cause) ?? own;
  return typeof code === 'string' && ERROR_CODE.test(code) ? code : undefined;
}

function failureOf(error: unknown, signal: AbortSignal): FailedFetch {
  if (signal.aborted) return failed(signal.reason === CLOSED ? 'closed' : 'timeout');
  const code = codeOf(error);
  return code === FORBIDDEN ? failed('forbidden-address') : failed('unreachable', code);
}

const CLOSED = new Error('the gateway stops');

function redirectTarget(from: URL, location: string | undefined, reach: RedirectReach): URL | undefined {
  if (location === undefined || !URL.canParse(location, from.href)) return undefined;
  const target = new URL(location, from);
  if (reach === 'same-host' && target.hostname !== from.hostname) return undefined;
  return from.protocol === 'https:' && target.protocol !== 'https:' ? undefined : target;
}

/**
 * Fetches documents over HTTP, within limits of time and size, from nowhere but where the guard lets it. What policies name
 * (it may redirect to any host) goes before what variables do.
 */
export class KeySetFetcher implements KeySetSource {
  readonly #turns = new HostTurns(FETCH_LIMITS.requestsPerHost);
  readonly #running = new Set<AbortController>();
  readonly #options: DownloadOptions;
  readonly #timeoutMs: number;
  #isClosed = false;

  constructor({ timeoutMs = FETCH_LIMITS.timeoutMs, ...options }: KeySetFetcherOptions) {
    this.#options = { ...options, maxBodyBytes: FETCH_LIMITS.maxBodyBytes };
    this.#timeoutMs = timeoutMs;
  }

  async fetch(address: string, redirectsTo: RedirectReach): Promise<DownloadedDocument | FailedFetch> {
    if (this.#isClosed) return failed('closed');
    if (!URL.canParse(address)) return failed('invalid-address');
    const running = new AbortController();
    this.#running.add(running);
    const timer = setTimeout(() => running.abort(), this.#timeoutMs).unref();
    try {
      return await this.#follow(new URL(address), redirectsTo, running.signal);
    } catch (error) {
      return failureOf(error, running.signal);
    } finally {
      clearTimeout(timer);
      this.#running.delete(running);
    }
  }

  /** Ends the fetches in flight; later ones end at once. */
  close(): void {
    this.#isClosed = true;
    for (const running of this.#running) running.abort(CLOSED);
  }

  async #follow(address: URL, reach: RedirectReach, signal: AbortSignal): Promise<DownloadedDocument | FailedFetch> {
    let url = address;
    for (let redirects = 0; redirects <= FETCH_LIMITS.redirects; redirects += 1) {
      const refused = this.#options.guard.refusalOf(url);
      if (refused !== undefined) return failed(refused);
      const asked = url;
      const turn = { host: asked.hostname, rank: reach === 'any-host' ? 'first' : 'last', signal } as const;
      const answer = await this.#turns.run(turn, () => download(asked, signal, this.#options));
      if (answer.ok !== 'redirect') return answer;
      const target = redirectTarget(url, answer.location, reach);
      if (target === undefined) break;
      url = target;
    }
    return failed('redirect');
  }
}
