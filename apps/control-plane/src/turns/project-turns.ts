import { unavailable } from '../decider/domain-error.ts';
import { KeyedTurnstile } from './keyed-turnstile.ts';
import { Turnstile } from './turnstile.ts';

/** Node has four threads for such work by default, and asks for host names and files by them, too. */
const AT_ONCE = 2;

/**
 * For work that keeps a processor busy and that any tenant can ask for: one call of each project at a time, and two pieces of
 * work of all of them. Who asks for a lot waits for himself.
 */
export class ProjectTurns {
  private readonly ofProjects: KeyedTurnstile;
  private readonly ofAll = new Turnstile(AT_ONCE);

  /** @param mostWaiting calls of one project, beside the one whose turn it is */
  constructor(
    private readonly what: string,
    mostWaiting: number,
  ) {
    this.ofProjects = new KeyedTurnstile(1, mostWaiting);
  }

  /**
   * A call with any number of pieces of work.
   *
   * @throws DomainError UNAVAILABLE when too many wait
   */
  async call<Value>(projectName: string, work: () => Promise<Value>): Promise<Value> {
    if (!this.ofProjects.hasRoom(projectName)) {
      throw unavailable(`too many ${this.what} of this project wait for their turn; nothing was recorded, try again`);
    }
    return this.ofProjects.pass(projectName, work);
  }

  /** One piece of it: others get their turn in between. */
  piece<Value>(work: () => Promise<Value>): Promise<Value> {
    return this.ofAll.pass(work);
  }
}
