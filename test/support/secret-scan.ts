const SHORTEST_FORM = 12;

/** How a base64 text of something longer shows `secret`, wherever it begins there. */
function withinBase64(secret: Buffer): string[] {
  return [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), secret]).toString('base64');
    // Characters that also depend on what stands before and behind are left out.
    const from = Math.ceil((offset * 8) / 6);
    const until = Math.floor(((offset + secret.length) * 8) / 6);
    return text.slice(from, until);
  });
}

/** As files and dumps show them that are read as latin1. */
const asRead = (bytes: Buffer): string => bytes.toString('latin1');

function textForms(secret: string): readonly string[] {
  const url = encodeURIComponent(secret);
  return [secret, JSON.stringify(secret).slice(1, -1), url, url.replace(/%../g, (code) => code.toLowerCase())];
}

/** Every way in which a secret, a text or bytes, may turn up in a text. */
export function formsOf(secret: string | Buffer): readonly string[] {
  const bytes = Buffer.from(secret);
  const base64 = withinBase64(bytes);
  const forms = [
    ...(typeof secret === 'string' ? textForms(secret) : []),
    asRead(bytes),
    ...[...base64, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))],
    ...[bytes.toString('hex'), bytes.toString('hex').toUpperCase()],
  ];
  return [...new Set(forms)].filter((form) => form.length >= SHORTEST_FORM);
}

/** Where something was read, and what. */
export interface ReadText {
  readonly place: string;
  readonly text: string;
}

/** `<secret> in <place>` of every secret that is found, in any of its forms; secrets by what they are. */
export function findSecrets(
  secrets: Readonly<Record<string, string | Buffer>>,
  texts: Iterable<ReadText>,
): readonly string[] {
  const forms = Object.entries(secrets).map(([name, secret]) => [name, formsOf(secret)] as const);
  const found: string[] = [];
  for (const { place, text } of texts) {
    for (const [name, all] of forms) if (all.some((form) => text.includes(form))) found.push(`${name} in ${place}`);
  }
  return found;
}
