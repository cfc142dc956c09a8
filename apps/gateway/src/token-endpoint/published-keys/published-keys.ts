import type { LinkedProxy } from '#libs/policy-runtime';
import type { TokenServiceName } from '../services/token-places.ts';
import { keySetDocument } from './key-set-document.ts';

/** What is live at this moment. */
export interface LiveKeys {
  /** Another text whenever another proxy, or another content of one, is live. */
  readonly version: string;
  readonly proxies: () => readonly Pick<LinkedProxy, 'publicKeys'>[];
}

type Documents = Readonly<Record<TokenServiceName, string>>;

function documentsOf(proxies: ReturnType<LiveKeys['proxies']>): Documents {
  const keys = proxies.flatMap(({ publicKeys }) => publicKeys);
  const documentOf = (isManaged: boolean): string =>
    keySetDocument(keys.filter((key) => key.managedFromThisPolicy === isManaged).map(({ jwk }) => jwk));
  return { auth: documentOf(true), credential: documentOf(false) };
}

/** The key sets that this gateway publishes, written anew when they are asked for after something else became live. */
export class PublishedKeys {
  private written: { readonly version: string; readonly documents: Documents } | undefined;

  /** @param live undefined while no configuration is loaded */
  constructor(private readonly live: () => LiveKeys | undefined) {}

  /** JSON text of a JWK set; undefined while no configuration is loaded. */
  documentOf(service: TokenServiceName): string | undefined {
    const live = this.live();
    if (live === undefined) return undefined;
    if (this.written?.version !== live.version) {
      this.written = { version: live.version, documents: documentsOf(live.proxies()) };
    }
    return this.written.documents[service];
  }
}
