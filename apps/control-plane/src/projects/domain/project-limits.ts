/** What a limit is called where it is refused, the setting that sets it for every project, and its default. */
interface LimitFacts {
  readonly setting: string;
  readonly usual: number;
  readonly what: string;
}

/** How much a project may hold. Each line is a setting, a member of `P/settings/limits/` and a line in the reference. */
export const PROJECT_LIMITS = {
  proxies: { setting: 'PROJECT_MAX_PROXIES', usual: 10_000, what: 'API proxies' },
  credentials: { setting: 'PROJECT_MAX_CREDENTIALS', usual: 100_000, what: 'credentials' },
  keyStores: { setting: 'PROJECT_MAX_KEY_STORES', usual: 1_000, what: 'keys' },
  variables: { setting: 'PROJECT_MAX_VARIABLES', usual: 10_000, what: 'environment variables' },
  policiesPerProxy: { setting: 'PROJECT_MAX_POLICIES_PER_PROXY', usual: 200, what: 'policies in one proxy' },
  endpointsPerProxy: { setting: 'PROJECT_MAX_ENDPOINTS_PER_PROXY', usual: 2_000, what: 'endpoints in one proxy' },
} as const satisfies Readonly<Record<string, LimitFacts>>;

export type ProjectLimitName = keyof typeof PROJECT_LIMITS;
export type ProjectLimits = Readonly<Record<ProjectLimitName, number>>;

export const LARGEST_PROJECT_LIMIT = 10_000_000;

const NAMES = Object.keys(PROJECT_LIMITS) as ProjectLimitName[];

/** One value for each limit. */
export const eachLimit = <Value>(valueOf: (name: ProjectLimitName) => Value) =>
  Object.fromEntries(NAMES.map((name) => [name, valueOf(name)])) as Readonly<Record<ProjectLimitName, Value>>;

export const USUAL_PROJECT_LIMITS: ProjectLimits = eachLimit((name) => PROJECT_LIMITS[name].usual);
