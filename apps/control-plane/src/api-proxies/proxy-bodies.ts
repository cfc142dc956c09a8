import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { environmentNamesIn, parseWith, type ContractWarning } from '#libs/policy-contracts';
import { invalid } from '../decider/domain-error.ts';
import { EnvironmentNameCheck, type DeployOrder } from '../deployment-requests/deployment-targets.ts';
import { requireJson } from '../http/bodies/body-parsers.ts';
import { faultsIn } from '../http/bodies/request-bodies.ts';
import { NO_VENDOR_MEMBERS, sortOut, type VendorMembers } from './proxies/vendor-proxy-members.ts';

const ENVIRONMENTS_FIELD = 'deployTargetEnvironmentNameList';

interface ReadBody<Request> {
  readonly request: Request;
  readonly warnings: readonly ContractWarning[];
}

/** Reads the bodies of proxies, endpoints and settings. */
@Injectable()
export class ProxyBodies {
  constructor(private readonly environmentNames: EnvironmentNameCheck) {}

  /**
   * Every fault together: the shape, members of the vendor that cannot be ignored, environments that are not there.
   *
   * @throws DomainError VALIDATION_FAILED
   */
  async read<Request>(
    schema: z.ZodType<Request>,
    sent: unknown,
    members: VendorMembers = NO_VENDOR_MEMBERS,
  ): Promise<ReadBody<Request>> {
    const { body, warnings, faults } = sortOut(requireJson(sent) ?? undefined, members);
    const parsed = parseWith(schema, body);
    const unknown = await this.environmentNames.faultsOf([...new Set(environmentNamesIn(body))], ENVIRONMENTS_FIELD);
    const all = [...faultsIn(parsed), ...faults, ...unknown];
    if (all.length > 0 || !parsed.ok) throw invalid(all);
    return { request: parsed.value, warnings };
  }
}

/** Where a change is to be deployed, as these bodies say it. */
export const orderIn = (request: {
  readonly deploy: boolean;
  readonly deployTargetEnvironmentNameList: readonly string[];
}): DeployOrder => ({
  deploy: request.deploy,
  environmentNames: [...new Set(request.deployTargetEnvironmentNameList)],
  field: ENVIRONMENTS_FIELD,
});
