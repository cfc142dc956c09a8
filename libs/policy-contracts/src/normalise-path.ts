/** What most requests send: nothing to decode, no dot at the start of a segment, no empty segment. */
const ALREADY_NORMAL = /^(?:\/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*)+\/?$/;
const UNRESERVED = /^[A-Za-z0-9._~-]$/;
const PATH_CHARACTER = /^[A-Za-z0-9._~!$&'()*+,;=:@/-]$/;
const HEX_PAIR = /^[0-9A-Fa-f]{2}$/;
/** `?` and `#` end a path, a backslash is a slash to some servers, the rest cannot be in a request line. */
// eslint-disable-next-line no-control-regex
const NEVER_IN_A_PATH = /^[\u0000-\u0020\u007f\\?#]$/;
const LONE_SURROGATE = /^\p{Surrogate}$/u;
const NUL = 0x00;
const BACKSLASH = 0x5c;
/** A dot segment with path parameters (`..;x`): some servers cut the parameters off before they resolve dots. */
const DOTS_WITH_PARAMETERS = /^\.{1,2}(?:;|%3B)/;

/** Longer than it need be, UTF-8 says a dot or a slash to decoders that do not check (RFC 3629 section 10). */
const OVERLONG = /%(?:C[01]|E0%[89]|F0%8)/;

const encodeByte = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;

function normalEscape(hex: string): string | undefined {
  if (!HEX_PAIR.test(hex)) return undefined;
  const byte = Number.parseInt(hex, 16);
  if (byte === NUL || byte === BACKSLASH) return undefined;
  const character = String.fromCharCode(byte);
  return UNRESERVED.test(character) ? character : encodeByte(byte);
}

function normalCharacter(character: string): string | undefined {
  if (PATH_CHARACTER.test(character)) return character;
  if (NEVER_IN_A_PATH.test(character) || LONE_SURROGATE.test(character)) return undefined;
  return Array.from(Buffer.from(character, 'utf8'), encodeByte).join('');
}

function normalText(rawPath: string): string | undefined {
  let text = '';
  for (let at = 0; at < rawPath.length;) {
    const character = String.fromCodePoint(rawPath.codePointAt(at) ?? 0);
    const isEscape = character === '%';
    const normal = isEscape ? normalEscape(rawPath.slice(at + 1, at + 3)) : normalCharacter(character);
    if (normal === undefined) return undefined;
    text += normal;
    at += isEscape ? 3 : character.length;
  }
  return text;
}

/** True when a server that decodes `%2F`, or cuts off path parameters, would find a dot segment here. */
const hidesDots = (segment: string): boolean =>
  DOTS_WITH_PARAMETERS.test(segment) ||
  (segment.includes('%2F') && segment.split('%2F').some((piece) => piece === '.' || piece === '..'));

function withoutDotSegments(text: string): string | undefined {
  const kept: string[] = [];
  const segments = text.split('/').slice(1);
  for (const segment of segments) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') {
      if (kept.pop() === undefined) return undefined;
    } else if (hidesDots(segment)) {
      return undefined;
    } else {
      kept.push(segment);
    }
  }
  const last = segments.at(-1);
  const endsInSlash = kept.length > 0 && (last === '' || last === '.' || last === '..');
  return `/${kept.join('/')}${endsInSlash ? '/' : ''}`;
}

/**
 * The one text of a path for matching, policies and the upstream (RFC 3986 section 6.2.2): unreserved characters
 * decoded, other escapes in upper case (so `%2F` stays), characters that a path must not hold encoded, dot segments
 * resolved (encoded dots count), runs of slashes taken as one. Normalising twice changes nothing more.
 *
 * `undefined` (a 400) when it is not a path or could mean another one to another server: an invalid escape, NUL,
 * a backslash (encoded too), overlong UTF-8, `..` above the root, dots hidden behind `%2F` or `;`.
 */
export const normalisePath = (rawPath: string): string | undefined => {
  if (rawPath === '/' || ALREADY_NORMAL.test(rawPath)) return rawPath;
  if (!rawPath.startsWith('/')) return undefined;
  const text = normalText(rawPath);
  return text === undefined || OVERLONG.test(text) ? undefined : withoutDotSegments(text);
};
