import type { Router } from '../router/router.ts';

/** What a gateway serves by: always all of one moment. A request asks it in one step and keeps what it found, not it. */
export interface ActiveConfiguration {
  readonly router: Router;
}
