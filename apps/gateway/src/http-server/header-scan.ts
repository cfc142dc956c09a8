import { lowerCaseName } from './known-header-names.ts';

const joined = (held: string | undefined, value: string): string => (held === undefined ? value : `${held}, ${value}`);

/** One pass over raw headers: the names in lower case, and the few values that the gateway itself acts on. */
export class HeaderScan {
  /** Lower-case name of each header line; its value is `raw[2 * index + 1]`. */
  readonly names: readonly string[];
  host = '';
  hostCount = 0;
  authorizationCount = 0;
  /** The last line of the name. */
  authorization = '';
  contentLength: string | undefined;
  transferEncoding: string | undefined;
  connection: string | undefined;
  upgrade: string | undefined;
  te: string | undefined;
  via: string | undefined;
  forwarded: string | undefined;
  forwardedFor: string | undefined;
  forwardedProto: string | undefined;
  forwardedHost: string | undefined;
  correlationId: string | undefined;

  /** @param known the names in lower case, when somebody read them before */
  constructor(
    readonly raw: readonly string[],
    known?: readonly string[],
  ) {
    const names = known ?? raw.filter((_, at) => at % 2 === 0).map(lowerCaseName);
    for (let index = 0; index < names.length; index += 1) {
      this.#noteFraming(names[index] ?? '', raw[2 * index + 1] ?? '');
    }
    this.names = names;
  }

  /** A header's whole value, lines of one name joined (RFC 9110 section 5.3); the name in lower case. */
  value(name: string): string | undefined {
    let found: string | undefined;
    for (let at = this.names.indexOf(name); at !== -1; at = this.names.indexOf(name, at + 1)) {
      found = joined(found, this.raw[2 * at + 1] ?? '');
    }
    return found;
  }

  /** For header rules of routes. */
  has(name: string, value: string): boolean {
    return this.value(name) === value;
  }

  #noteFraming(name: string, value: string): void {
    switch (name) {
      case 'host':
        this.host = value;
        this.hostCount += 1;
        break;
      case 'authorization':
        this.authorization = value;
        this.authorizationCount += 1;
        break;
      case 'content-length':
        this.contentLength = joined(this.contentLength, value);
        break;
      case 'transfer-encoding':
        this.transferEncoding = joined(this.transferEncoding, value);
        break;
      case 'connection':
        this.connection = joined(this.connection, value);
        break;
      case 'upgrade':
        this.upgrade = joined(this.upgrade, value);
        break;
      case 'te':
        this.te = joined(this.te, value);
        break;
      default:
        this.#noteForwarding(name, value);
    }
  }

  #noteForwarding(name: string, value: string): void {
    switch (name) {
      case 'via':
        this.via = joined(this.via, value);
        break;
      case 'forwarded':
        this.forwarded = joined(this.forwarded, value);
        break;
      case 'x-forwarded-for':
        this.forwardedFor = joined(this.forwardedFor, value);
        break;
      case 'x-forwarded-proto':
        this.forwardedProto = joined(this.forwardedProto, value);
        break;
      case 'x-forwarded-host':
        this.forwardedHost = joined(this.forwardedHost, value);
        break;
      case 'apinizer-correlation-id':
        this.correlationId = joined(this.correlationId, value);
        break;
      default:
    }
  }
}
