import { certificateOf, readCertificateTexts, type Certificate, type CertificateTexts } from './certificate.ts';
import type { TlsSettings } from './listener-settings.ts';

/** The files of a certificate cannot be used; the message names settings and codes, never content. */
export class UnusableCertificate extends Error {
  readonly code = 'UNUSABLE_CERTIFICATE';
  constructor(readonly faults: readonly string[]) {
    super(faults.join('; '));
    this.name = 'UnusableCertificate';
  }
}

export interface CertificateEvents {
  readonly onReplaced: (certificate: Certificate) => void;
  /** The one before serves on. */
  readonly onRefused: (fault: string) => void;
}

/** How often the files are looked at. Two looks that see the same make a change: whoever writes two files is not disturbed. */
const LOOK_EVERY_MS = 2_000;

const isSame = (a: CertificateTexts | undefined, b: CertificateTexts): boolean => a?.cert === b.cert && a.key === b.key;

/** The certificate that is served: what its files hold, as long as that can be used. */
export class CertificateKeeper {
  #current: Certificate;
  /** What the last attempt was made with, whatever came of it. */
  #tried: CertificateTexts;
  #seen: CertificateTexts | undefined;
  /** The latest fault of the files themselves: said once. */
  #unreadable: string | undefined;
  #looking: NodeJS.Timeout | undefined;

  /** @throws UnusableCertificate */
  constructor(
    private readonly settings: TlsSettings,
    private readonly events: CertificateEvents,
  ) {
    const read = readCertificateTexts(settings);
    if (!read.ok) throw new UnusableCertificate(read.faults);
    const made = certificateOf(read.texts, settings.minVersion);
    if (!made.ok) throw new UnusableCertificate([made.fault]);
    this.#current = made.certificate;
    this.#tried = read.texts;
  }

  get current(): Certificate {
    return this.#current;
  }

  /** Looks at the files from time to time, until `stop`. */
  start(): void {
    this.#looking = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#looking);
  }

  /** Reads the files once. A change counts when two looks after another saw the same. */
  look(): void {
    const read = readCertificateTexts(this.settings);
    if (!read.ok) return this.#noteUnreadable(read.faults.join('; '));
    this.#unreadable = undefined;
    const { texts } = read;
    const isSettled = isSame(this.#seen, texts);
    this.#seen = texts;
    if (isSettled && !isSame(this.#tried, texts)) this.#take(texts);
  }

  #take(texts: CertificateTexts): void {
    this.#tried = texts;
    const made = certificateOf(texts, this.settings.minVersion);
    if (!made.ok) return this.events.onRefused(made.fault);
    this.#current = made.certificate;
    this.events.onReplaced(made.certificate);
  }

  #noteUnreadable(fault: string): void {
    this.#seen = undefined;
    if (this.#unreadable === fault) return;
    this.#unreadable = fault;
    this.events.onRefused(fault);
  }
}
