import { setTimeout as pause } from 'node:timers/promises';
import { type ApiAnswer, type GatewardenSystem } from '../support/gatewarden-system.ts';
import { type AppliedFloors } from './applied-floors.ts';
import { nextChange, type Change, type ProxyMemory } from './change-kinds.ts';
import { type SeededRandom } from './seeded-random.ts';

/** A deployment as an answer named it. */
export interface AnsweredDeployment {
  readonly environment: string;
  readonly deployment: number;
  readonly revision: number;
}

/** What became of a change, as far as whoever sent it can know. */
export type SentChange = Change & {
  readonly proxy: string;
  readonly sends: number;
} & (
    | { readonly outcome: 'answered'; readonly deployments: readonly AnsweredDeployment[] }
    | { readonly outcome: 'refused'; readonly why: string }
    | { readonly outcome: 'unanswered' }
  );

const BETWEEN_CHANGES_MS = { least: 10, most: 250 };
const TRIES_AT_MOST = 40;
const TRY_AGAIN_AFTER_MS = 250;
/** This share of changes is sent once only, answered or not. */
const SENT_ONCE_ONLY = 0.2;

/** Changes one proxy, one change after the other, and remembers what was answered. */
export class Writer {
  readonly sent: SentChange[] = [];
  private readonly memory: ProxyMemory;

  constructor(
    private readonly system: GatewardenSystem,
    proxy: string,
    private readonly random: SeededRandom,
    private readonly floors: AppliedFloors,
  ) {
    this.memory = { proxy, count: 0, extra: new Set(), revision: 1 };
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const change = nextChange(this.memory, this.random);
      const tries = this.random.next() < SENT_ONCE_ONLY ? 1 : TRIES_AT_MOST;
      const waitMs = this.random.between(BETWEEN_CHANGES_MS.least, BETWEEN_CHANGES_MS.most);
      this.remember(await this.send(change, tries));
      await pause(waitMs);
    }
  }

  private async send(change: Change, tries: number): Promise<SentChange> {
    const { proxy } = this.memory;
    for (let sends = 1; sends <= tries; sends += 1) {
      const headers = { 'idempotency-key': change.key };
      const answer = await this.system.api(change.method, change.path, change.body, headers).catch(() => undefined);
      const said = { ...change, proxy, sends };
      if (answer?.status === 200) return { ...said, outcome: 'answered', deployments: this.deploymentsIn(answer) };
      if (answer !== undefined && isFinal(answer)) {
        return { ...said, outcome: 'refused', why: `${answer.status} ${JSON.stringify(answer.body)}` };
      }
      await pause(TRY_AGAIN_AFTER_MS);
    }
    return { ...change, proxy, sends: tries, outcome: 'unanswered' };
  }

  private deploymentsIn({ body }: ApiAnswer): AnsweredDeployment[] {
    const found: AnsweredDeployment[] = [];
    for (const result of body.deploymentResult?.deploymentResults ?? []) {
      if (result.deployment === null) continue;
      const { environmentName: environment, deployment, revision } = result;
      found.push({ environment, deployment, revision });
      for (const { gatewayId, success } of result.detailList ?? []) {
        if (success === true) this.floors.raise(gatewayId, this.memory.proxy, deployment);
      }
    }
    return found;
  }

  private remember(sent: SentChange): void {
    this.sent.push(sent);
    const { memory } = this;
    const name = sent.path.split('/').at(-2) ?? '';
    // What may have happened is believed to have: a change that meets the contrary is refused, and does no harm.
    if (sent.kind === 'add' && sent.outcome !== 'refused') memory.extra.add(name);
    if (sent.kind === 'remove') memory.extra.delete(name);
    if (sent.outcome !== 'answered') return;
    memory.revision = Math.max(memory.revision, ...sent.deployments.map(({ revision }) => revision));
  }
}

/** A refusal that stands: not "later", and not "another request with this key is in hand". */
const isFinal = ({ status, body }: ApiAnswer): boolean =>
  status < 500 &&
  status !== 429 &&
  !(status === 409 && /in hand|in progress|still/i.test(String(body.error_description)));
