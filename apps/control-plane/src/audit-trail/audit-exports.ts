import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Readable } from 'node:stream';
import { EVENT_STORE, type PostgresEventStore } from '#libs/event-store';
import { errorFacts, type Logger } from '#libs/program-shell';
import { RefusedRequest } from '../http/refused-request.ts';
import { LOGGER } from '../injection-tokens.ts';
import { Turnstile } from '../turns/turnstile.ts';
import type { AuditSelection } from './audit-selection.ts';
import { AuditTrail, type AuditPage } from './audit-trail.ts';

/** Each keeps some pages in memory, however slowly it is read. */
const MOST_EXPORTS = 20;
/** Connections to the database that all exports together use at a time; the others are left to the calls. */
const PAGES_AT_ONCE = 2;

/** What the next page is read by. */
type NextPage = () => Promise<IteratorResult<AuditPage, void>>;

async function* textsOf(first: IteratorResult<AuditPage, void>, nextPage: NextPage): AsyncGenerator<string> {
  for (let page = first; page.done !== true; page = await nextPage()) yield page.value.text;
}

/** Exports of the audit trail to those who asked over HTTP. Pages are read as fast as the reader takes them. */
@Injectable()
export class AuditExports implements BeforeApplicationShutdown {
  readonly trail: AuditTrail;
  private readonly turnstile = new Turnstile(PAGES_AT_ONCE);
  private readonly open = new Set<Readable>();

  constructor(
    @Inject(EVENT_STORE) store: PostgresEventStore,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.trail = new AuditTrail(store);
  }

  /** How many are being read. */
  get count(): number {
    return this.open.size;
  }

  /** An export that is read slowly would hold up the end of the process: it breaks off, which its reader sees. */
  beforeApplicationShutdown(): void {
    for (const stream of this.open) stream.destroy(new Error('the control plane is stopping'));
  }

  /**
   * The first page is read before anything is answered. Later failures break the stream off.
   *
   * @throws RefusedRequest when too many are open; EventStoreUnavailable
   */
  async begin(selection: AuditSelection, requestId: string): Promise<Readable> {
    if (this.open.size >= MOST_EXPORTS) {
      throw new RefusedRequest(429, 'too_many_requests', 'too many exports are open; try again');
    }
    const pages = this.trail.pages(selection);
    const nextPage = () => this.turnstile.pass(() => pages.next());
    const first = await nextPage();
    const stream = Readable.from(textsOf(first, nextPage), { objectMode: false });
    this.open.add(stream);
    stream.once('close', () => this.open.delete(stream));
    stream.once('error', (error) =>
      this.logger.error({ ...errorFacts(error), requestId }, 'an export of the audit trail broke off'),
    );
    return stream;
  }
}
