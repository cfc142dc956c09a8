import { CONTROL_PLANE_TARGETS } from './control-plane-targets.ts';
import { type FuzzTarget } from './fuzz-target.ts';
import { ENGINE_TARGETS, POLICY_TARGETS } from './fuzz-targets.ts';
import { GATEWAY_TARGETS } from './gateway-targets.ts';
import { APIOPS_REQUESTS } from './targets/apiops-requests.target.ts';
import { REDIS_CONTENTS } from './targets/redis-contents.target.ts';

/** All of them, in the order they run. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  ...ENGINE_TARGETS,
  ...POLICY_TARGETS,
  ...CONTROL_PLANE_TARGETS,
  ...GATEWAY_TARGETS,
  APIOPS_REQUESTS,
  REDIS_CONTENTS,
];
