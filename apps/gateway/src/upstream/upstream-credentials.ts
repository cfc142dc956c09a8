import { readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';

/** Files of PEM that say what the gateway trusts and shows when it speaks HTTPS to upstreams. */
export interface UpstreamFiles {
  /** Certificate authorities that are trusted beside the usual ones. */
  readonly ca?: string | undefined;
  /** Client certificate, with its chain. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}

type Member = keyof UpstreamFiles;
type Texts = UpstreamFiles;

/** A new context, or what is wrong: it names settings and codes, never content. */
export type ContextOutcome =
  { readonly ok: true; readonly context: SecureContext } | { readonly ok: false; readonly faults: readonly string[] };

export const UPSTREAM_FILE_SETTINGS: Readonly<Record<Member, string>> = {
  ca: 'UPSTREAM_CA_FILE',
  certificate: 'UPSTREAM_CLIENT_CERT_FILE',
  key: 'UPSTREAM_CLIENT_KEY_FILE',
};
const MEMBERS = Object.keys(UPSTREAM_FILE_SETTINGS) as readonly Member[];

/** How old what was read may be when a connection is opened. */
const LOOK_AGAIN_MS = 10_000;

function codeOf(error: unknown): string {
  const { code, name } = error as Partial<NodeJS.ErrnoException>;
  return code ?? name ?? 'unknown';
}

function readTexts(files: UpstreamFiles): { readonly texts: Texts; readonly faults: readonly string[] } {
  const texts: { -readonly [Name in Member]?: string } = {};
  const faults: string[] = [];
  for (const member of MEMBERS) {
    const file = files[member];
    if (file === undefined) continue;
    try {
      texts[member] = readFileSync(file, 'latin1');
    } catch (error) {
      faults.push(`${UPSTREAM_FILE_SETTINGS[member]} cannot be read (${codeOf(error)})`);
    }
  }
  return { texts, faults };
}

function contextOf({ ca, certificate, key }: Texts): ContextOutcome {
  try {
    // Node passes over a list of authorities that holds none.
    if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----')) throw new TypeError('no certificate');
    const context = createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
      ...(certificate !== undefined && { cert: certificate }),
      ...(key !== undefined && { key }),
    });
    return { ok: true, context };
  } catch (error) {
    const named = MEMBERS.filter((member) => ({ ca, certificate, key })[member] !== undefined);
    const settings = named.map((member) => UPSTREAM_FILE_SETTINGS[member]).join(', ');
    return { ok: false, faults: [`${settings}: no certificates, or no key of theirs, in PEM (${codeOf(error)})`] };
  }
}

/** What the files make now. */
export function readUpstreamFiles(files: UpstreamFiles): ContextOutcome {
  const { texts, faults } = readTexts(files);
  return faults.length > 0 ? { ok: false, faults } : contextOf(texts);
}

export interface CredentialEvents {
  /** New files cannot be used: the ones before go on. Once for each change. */
  readonly onRefused: (faults: readonly string[]) => void;
  /** Milliseconds, of any origin. */
  readonly nowMs: () => number;
}

const NO_EVENTS: CredentialEvents = { onRefused: () => undefined, nowMs: () => performance.now() };

/** What new connections to upstreams trust and show: what the files hold, as long as that can be used. */
export class UpstreamCredentials {
  #context: SecureContext | undefined;
  #lookedAtMs = -Infinity;
  /** What the present context was made of. */
  #usedText = '';
  /** What could not be used; a file that is being written looks so, too, so that it counts when it is seen again. */
  #refused = { text: '', count: 0 };

  constructor(
    private readonly files: UpstreamFiles = {},
    private readonly events: CredentialEvents = NO_EVENTS,
  ) {}

  /** For a connection that is being opened. The same object as long as the files are the same. */
  context(): SecureContext {
    const nowMs = this.events.nowMs();
    const hasFiles = MEMBERS.some((member) => this.files[member] !== undefined);
    if (this.#context === undefined || (hasFiles && nowMs - this.#lookedAtMs >= LOOK_AGAIN_MS)) this.#look(nowMs);
    return (this.#context ??= createSecureContext({ minVersion: 'TLSv1.2' }));
  }

  #look(nowMs: number): void {
    this.#lookedAtMs = nowMs;
    const { texts, faults } = readTexts(this.files);
    const text = JSON.stringify([texts, faults]);
    if (this.#context !== undefined && text === this.#usedText) return;
    const made = faults.length > 0 ? ({ ok: false, faults } as const) : contextOf(texts);
    if (!made.ok) return this.#refuse(text, made.faults);
    this.#context = made.context;
    this.#usedText = text;
  }

  #refuse(text: string, faults: readonly string[]): void {
    this.#refused = { text, count: this.#refused.text === text ? this.#refused.count + 1 : 1 };
    if (this.#refused.count === 2) this.events.onRefused(faults);
  }
}
