import type { PolicyContract, ValidationFault } from '#libs/policy-contracts';
import type { ActiveApiProxy } from './domain/index.ts';

/** Whether gateways could run a proxy: asked before a change is recorded. */
export interface ProxyCheck {
  /** Faults that would stop a gateway; their fields are those of the policy's request body. */
  faultsOf(proxy: ActiveApiProxy): ValidationFault[];
  /** The same of one policy by itself. */
  faultsOfPolicy(name: string, policy: PolicyContract): ValidationFault[];
}
export const PROXY_CHECK = Symbol('PROXY_CHECK');
