/**
 * Members of answers that hold what is shown once. The only list: what an answer keeps for a replay has none of them. A
 * member of another name that sounds like a secret stops `idempotency.int-spec.ts` until it is here or known as public.
 */
export const SECRET_MEMBERS: ReadonlySet<string> = new Set([
  ...['token', 'accessToken', 'access_token', 'refreshToken', 'refresh_token'],
  ...['secretKey', 'gatewayKey', 'privateKey', 'clientSecret', 'client_secret', 'secret', 'password', 'passphrase'],
  'privateJwk',
]);

interface Cleaned {
  readonly value: unknown;
  readonly hadSecret: boolean;
}

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null;

/** A secret is a text, or a key as an object: `{ "ref": … }` of a policy only says where one is. */
const isSecret = (name: string, value: unknown): boolean =>
  SECRET_MEMBERS.has(name) && (typeof value === 'string' || (isObject(value) && 'kty' in value));

function cleaned(value: unknown): Cleaned {
  if (!isObject(value)) return { value, hadSecret: false };
  if (Array.isArray(value)) {
    const items = value.map(cleaned);
    return { value: items.map((item) => item.value), hadSecret: items.some((item) => item.hadSecret) };
  }
  const kept = Object.entries(value).filter(([name, member]) => !isSecret(name, member));
  const members = kept.map(([name, member]) => [name, cleaned(member)] as const);
  return {
    value: Object.fromEntries(members.map(([name, member]) => [name, member.value])),
    hadSecret: kept.length < Object.keys(value).length || members.some(([, member]) => member.hadSecret),
  };
}

const withNotice = ({ value, hadSecret }: Cleaned): unknown =>
  hadSecret && isObject(value) ? { ...value, secretAlreadyShown: true } : value;

/** An answer as it may be given again: without its secrets, and saying so in each result that had one. */
export function withoutShownSecrets(answer: object): unknown {
  // By way of JSON, as the client got it: what has a `toJSON` of its own is not looked into in another form.
  const members = JSON.parse(JSON.stringify(answer)) as Members;
  const { resultList } = members;
  if (!Array.isArray(resultList)) return withNotice(cleaned(members));
  const results = resultList.map((result) => withNotice(cleaned(result)));
  // Put in place of the list that was there, so that the members keep their order.
  return withNotice(cleaned({ ...members, resultList: results }));
}
