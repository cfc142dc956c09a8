import { KEY_SET_ADDRESS, type Scenario, type ServedKeySet } from '#libs/policy-runtime/testing';
import type { Rig, RunningUpstream } from '../http-server/testing/rig.ts';

const MS_PER_SECOND = 1_000;

interface LifeAtPath {
  readonly served: readonly ServedKeySet[];
  readonly startedAtMs: number;
  fetches: number;
}

/** A server of key sets, each by the seconds since its life began; counts how often each is fetched. */
export class IdentityProvider {
  readonly #lives = new Map<string, LifeAtPath>();
  #server!: RunningUpstream;
  #onFetch = (): void => undefined;

  private constructor(
    private readonly rig: Rig,
    private readonly nowMs: () => number,
  ) {}

  static async start(rig: Rig, nowMs: () => number): Promise<IdentityProvider> {
    const provider = new IdentityProvider(rig, nowMs);
    provider.#server = await rig.upstream((request, response) => {
      const life = provider.#life(request.url ?? '');
      const { status, body } = provider.#answerOf(life);
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
      life.fetches += 1;
      provider.#onFetch();
    });
    return provider;
  }

  /** Begins the life of a key set. Answers with the address, which is nobody's when it is to be unreachable. */
  async serve(path: string, served: readonly ServedKeySet[]): Promise<string> {
    this.#lives.set(path, { served, startedAtMs: this.nowMs(), fetches: 0 });
    const isReachable = served.every(({ status }) => status !== 'unreachable');
    return isReachable ? this.#server.url + path : `http://127.0.0.1:${await this.rig.closedPort()}${path}`;
  }

  fetchesOf(path: string): number {
    return this.#life(path).fetches;
  }

  /** Ends when the set at the path was fetched so often. */
  async fetched(path: string, times: number): Promise<void> {
    while (this.fetchesOf(path) < times) await new Promise<void>((resolve) => (this.#onFetch = resolve));
  }

  #life(path: string): LifeAtPath {
    const life = this.#lives.get(path);
    if (life === undefined) throw new RangeError(`nothing is served at ${path}`);
    return life;
  }

  #answerOf({ served, startedAtMs }: LifeAtPath): { readonly status: number; readonly body: string } {
    const second = (this.nowMs() - startedAtMs) / MS_PER_SECOND;
    const answer = served.findLast(({ fromSecond }) => fromSecond <= second);
    if (answer === undefined || answer.status === 'unreachable') throw new RangeError('nothing is served yet');
    return { status: answer.status, body: answer.body };
  }
}

/** The scenario with its key set at another address. */
export function atAddress(scenario: Scenario, address: string): Scenario {
  const { policy, environment = {} } = scenario;
  const moved = JSON.stringify({ policy, environment }).replaceAll(KEY_SET_ADDRESS, address);
  return { ...scenario, ...(JSON.parse(moved) as Pick<Scenario, 'policy' | 'environment'>) };
}
