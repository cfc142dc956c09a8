import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** What encrypted connections trust and show, in PEM. */
export interface RedisTls {
  /** The only authorities that are trusted; undefined: the usual ones. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export const REDIS_TLS_SETTINGS = {
  ca: 'REDIS_CA_FILE',
  cert: 'REDIS_CLIENT_CERT_FILE',
  key: 'REDIS_CLIENT_KEY_FILE',
} as const satisfies Record<keyof RedisTls, string>;

type Member = keyof RedisTls;
const MEMBERS = Object.keys(REDIS_TLS_SETTINGS) as readonly Member[];
const HOLDS_CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----/;

const codeOf = (error: unknown): string => {
  const { code, name } = error as Partial<NodeJS.ErrnoException>;
  return code ?? name ?? 'unknown';
};

function faultIn(tls: RedisTls): string | undefined {
  try {
    // Node passes over a list of authorities that holds none, and would then trust nobody.
    if (tls.ca !== undefined && !HOLDS_CERTIFICATE.test(tls.ca)) throw new TypeError('no certificate');
    createSecureContext(tls);
    return undefined;
  } catch (error) {
    const named = MEMBERS.filter((member) => tls[member] !== undefined).map((member) => REDIS_TLS_SETTINGS[member]);
    return `${named.join(', ')}: no certificates, or no key of theirs, in PEM (${codeOf(error)})`;
  }
}

/** Reads the files that settings name; faults name the setting and never what a file holds. */
export function readRedisTls(setting: (name: string) => string | undefined): {
  readonly tls: RedisTls;
  readonly faults: readonly string[];
} {
  const tls: { -readonly [Name in Member]?: string } = {};
  const faults: string[] = [];
  for (const member of MEMBERS) {
    const file = setting(REDIS_TLS_SETTINGS[member]);
    if (file === undefined) continue;
    try {
      tls[member] = readFileSync(file, 'latin1');
    } catch (error) {
      faults.push(`${REDIS_TLS_SETTINGS[member]} cannot be read (${codeOf(error)})`);
    }
  }
  const isHalf = (setting(REDIS_TLS_SETTINGS.cert) === undefined) !== (setting(REDIS_TLS_SETTINGS.key) === undefined);
  if (isHalf) faults.push(`${REDIS_TLS_SETTINGS.cert} and ${REDIS_TLS_SETTINGS.key} go together`);
  const fault = faults.length > 0 ? undefined : faultIn(tls);
  return { tls, faults: fault === undefined ? faults : [fault] };
}
