import { decodeFormPart, type Parameters } from '../protocol/form-parameters.ts';
import { refuse, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import { headerValues } from '../protocol/token-http.ts';

export interface ClaimReading {
  readonly clientId: string;
  readonly secret: string | undefined;
}

/** Who a request says it comes from. */
export interface ClientClaim {
  readonly kind: 'claim';
  /** Readings of one header, the likelier first. */
  readonly readings: readonly ClaimReading[];
  readonly isBasic: boolean;
}

const BASIC = /^basic(?: +(.*))?$/i;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** One text for every cause: it must not tell whether the client or the secret was wrong. */
export const badClient = (isBasic: boolean, reason: string): OAuthRefusal =>
  refuse('invalid_client', 'Bad client credentials.', reason, {
    headers: isBasic ? [['WWW-Authenticate', 'Basic realm="token service", charset="UTF-8"']] : [],
  });

function decodeBasic(credentials: string): string | undefined {
  if (!BASE64.test(credentials)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(credentials, 'base64'));
  } catch {
    return undefined;
  }
}

/**
 * RFC 6749 section 2.3.1 has both parts form-encoded inside the header; many clients (curl among them) send them as
 * they are. Where the two readings differ, both are tried.
 */
function readBasic(credentials: string): ClientClaim | OAuthRefusal {
  const text = decodeBasic(credentials.trim());
  const colon = text?.indexOf(':') ?? -1;
  if (text === undefined || colon < 1) return badClient(true, 'malformed-basic');
  const plain = { clientId: text.slice(0, colon), secret: text.slice(colon + 1) };
  const clientId = decodeFormPart(plain.clientId);
  const secret = decodeFormPart(plain.secret);
  const isSame = clientId === plain.clientId && secret === plain.secret;
  if (clientId === undefined || secret === undefined || isSame) {
    return { kind: 'claim', readings: [plain], isBasic: true };
  }
  return { kind: 'claim', readings: [{ clientId, secret }, plain], isBasic: true };
}

/** Client by Basic header or by parameters, not both; another scheme in the header is not for the client. */
export function readClientClaim(rawHeaders: readonly string[], parameters: Parameters): ClientClaim | OAuthRefusal {
  const [authorization, ...others] = headerValues(rawHeaders, 'authorization');
  if (others.length > 0) return refuse('invalid_request', 'Two Authorization headers.', 'duplicate-authorization');
  const clientId = parameters.get('client_id');
  const secret = parameters.get('client_secret');
  const basic = authorization === undefined ? null : BASIC.exec(authorization.trim());
  if (basic !== null) {
    if (clientId === undefined && secret === undefined) return readBasic(basic[1] ?? '');
    return refuse('invalid_request', 'The client is named twice: by header and by parameter.', 'two-client-methods');
  }
  if (clientId === undefined) return badClient(false, 'no-client');
  return { kind: 'claim', readings: [{ clientId, secret }], isBasic: false };
}
