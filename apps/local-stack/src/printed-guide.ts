import { CLIENT_ID, JWT_AUTH_PATH, jwtAuthBody, USERNAME } from './demo-content.ts';

export interface GuideFacts {
  readonly controlPlaneUrl: string;
  readonly gatewayUrls: readonly string[];
  readonly adminUrls: readonly string[];
  readonly upstreamUrl: string | null;
  readonly redisUrl: string;
  readonly dataDir: string;
  /** The file with the administrator's token; null where ADMIN_TOKEN was given. */
  readonly adminTokenFile: string | null;
}

export interface DemoFacts {
  readonly clientSecret: string;
  readonly userPassword: string;
  readonly partnerToken: string;
}

const SHORT_LIFE_SECONDS = 120;

/** One word for sh, bash, zsh, dash and fish alike. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

const SHOW_STATUS = String.raw`-w '\nHTTP %{http_code}\n'`;

/** Redis' address without a password that a given REDIS_URL may hold. */
export function withoutCredentials(address: string): string {
  try {
    const url = new URL(address);
    if (url.password !== '') url.password = '***';
    return url.href.replace(/\/$/, '');
  } catch {
    return 'as given in REDIS_URL';
  }
}

export function printAddresses(facts: GuideFacts): string {
  const rows: [string, string][] = [
    ['control plane', `${facts.controlPlaneUrl}/apiops/   (Authorization: Bearer ${adminToken(facts, false)})`],
    ['', `${facts.controlPlaneUrl}/apiops/docs   (its calls, to read and to try)`],
    ...facts.gatewayUrls.map((url, index): [string, string] => [
      `gateway-${index + 1}`,
      `${url}   admin: ${facts.adminUrls[index] ?? ''} (/healthz /readyz /metrics /config)`,
    ]),
    ...(facts.upstreamUrl === null ? [] : [['sample upstream', facts.upstreamUrl] satisfies [string, string]]),
    ['redis', withoutCredentials(facts.redisUrl)],
    ['data and logs', facts.dataDir],
  ];
  return rows.map(([name, address]) => `  ${name.padEnd(16)} ${address}`).join('\n');
}

const adminToken = (facts: GuideFacts, expanded: boolean): string => {
  if (facts.adminTokenFile === null) return '$ADMIN_TOKEN';
  const file = shellWord(facts.adminTokenFile);
  return expanded ? `$(cat ${file})` : `what is in ${facts.adminTokenFile}`;
};

/** Each step: what it shows, and lines to paste. */
export function printWalk(facts: GuideFacts, demo: DemoFacts): string {
  const gateway = facts.gatewayUrls[0] ?? '';
  const other = facts.gatewayUrls[1] ?? gateway;
  const client = `-u ${shellWord(`${CLIENT_ID}:${demo.clientSecret}`)}`;
  const login = `-d grant_type=password -d username=${USERNAME} -d password=${shellWord(demo.userPassword)}`;
  const getToken = `curl -s ${client} ${login} ${gateway}/auth/jwt`;
  const take = (name: string) => String.raw`$(printf '%s' "$ANSWER" | sed -n 's/.*"${name}":"\([^"]*\)".*/\1/p')`;
  const change = `-X PUT -H "Authorization: Bearer ${adminToken(facts, true)}" -H 'Content-Type: application/json'`;
  const shorter = shellWord(JSON.stringify(jwtAuthBody(SHORT_LIFE_SECONDS)));
  const steps: [string, string[]][] = [
    [
      'Get a token',
      [
        `ANSWER=$(${getToken}); printf '%s\\n' "$ANSWER"`,
        `TOKEN=${take('access_token')}`,
        `REFRESH=${take('refresh_token')}`,
      ],
    ],
    [
      'Call the API with it (200), at either gateway',
      [`curl -s ${SHOW_STATUS} -H "Authorization: Bearer $TOKEN" "${other}/orders/7?x=1"`],
    ],
    [
      'A bad token is refused (401)',
      [`curl -s ${SHOW_STATUS} -H "Authorization: Bearer $\{TOKEN}x" ${gateway}/orders/7`],
    ],
    ['No token is refused (401)', [`curl -s ${SHOW_STATUS} ${gateway}/orders/7`]],
    [
      'Refresh the token: a new pair; the old refresh token is used up',
      [
        `ANSWER=$(curl -s ${client} -d grant_type=refresh_token --data-urlencode "refresh_token=$REFRESH" ${gateway}/auth/jwt); printf '%s\\n' "$ANSWER"`,
        `TOKEN=${take('access_token')}`,
        `REFRESH=${take('refresh_token')}`,
      ],
    ],
    [
      "Call with a partner's token, verified with its public key (200)",
      [`curl -s ${SHOW_STATUS} -H 'Authorization: Bearer ${demo.partnerToken}' ${gateway}/partners/7`],
    ],
    [
      `Change a policy: tokens now live ${SHORT_LIFE_SECONDS} seconds, nothing is restarted`,
      [`curl -s ${SHOW_STATUS} ${change} -d ${shorter} ${facts.controlPlaneUrl}/apiops${JWT_AUTH_PATH}`],
    ],
    [`See it: "expires_in":${SHORT_LIFE_SECONDS}`, [`${getToken}; echo`]],
  ];
  return steps
    .map(([title, lines], index) => `${index + 1}. ${title}:\n\n${lines.map((line) => `${line}\n`).join('')}`)
    .join('\n');
}
