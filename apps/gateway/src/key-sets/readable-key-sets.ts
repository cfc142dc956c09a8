import { jwksSelectorFrom } from '#libs/jwt-engine';
import {
  type DownloadedDocument,
  failed,
  type FailedFetch,
  type KeySetSource,
  type RedirectReach,
} from './fetched-document.ts';

/** What comes and cannot be read as a key set is a failure like any other. */
export class ReadableKeySets implements KeySetSource {
  constructor(private readonly source: KeySetSource) {}

  async fetch(address: string, redirectsTo: RedirectReach): Promise<DownloadedDocument | FailedFetch> {
    const outcome = await this.source.fetch(address, redirectsTo);
    const isReadable = outcome.ok && typeof jwksSelectorFrom(outcome.text) === 'function';
    return isReadable || !outcome.ok ? outcome : failed('not-a-key-set');
  }
}
