import type { IncomingHttpHeaders } from 'node:http';
import type { ArgumentsHost } from '@nestjs/common';
import type { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type pg from 'pg';
import { pino } from 'pino';
import type { PolicyContract } from '#libs/policy-contracts';
import { apiProxyDecider, requireApiProxy } from '../../../apps/control-plane/src/api-proxies/domain/index.ts';
import type { AddPolicy } from '../../../apps/control-plane/src/api-proxies/policies/policy-handlers.ts';
import { PoliciesController } from '../../../apps/control-plane/src/api-proxies/policies/policies.controller.ts';
import type { QueryParameters } from '../../../apps/control-plane/src/api-proxies/policies/policy-requests.ts';
import { endpointAdded, proxyCreated } from '../../../apps/control-plane/src/api-proxies/testing/sample-proxy.ts';
import { invalid } from '../../../apps/control-plane/src/decider/domain-error.ts';
import { EnvironmentNameCheck } from '../../../apps/control-plane/src/deployment-requests/deployment-targets.ts';
import { CONTROL_PLANE_DEFAULTS } from '../../../apps/control-plane/src/config/control-plane.config.ts';
import { LinkedProxyCheck } from '../../../apps/control-plane/src/deployments/check/linked-proxy-check.ts';
import { ApiErrorFilter } from '../../../apps/control-plane/src/http/api-error.filter.ts';
import { useBodyParsers } from '../../../apps/control-plane/src/http/bodies/body-parsers.ts';
import type { SuccessEnvelope } from '../../../apps/control-plane/src/http/envelope.ts';

export const POLICY_NAME = 'fuzzed policy';
const ADDRESS = { projectName: 'shop', apiProxyName: 'orders', policyName: POLICY_NAME };
const ASKER = { actor: 'fuzz', requestId: 'fuzz', mayDeploy: true };

/** An answer as the web server would send it. */
export interface CallAnswer {
  readonly status: number;
  readonly text: string;
  /** What would be recorded; undefined when the call was refused. */
  readonly policy?: PolicyContract;
}

type BodyParser = (
  request: { headers: IncomingHttpHeaders },
  body: Buffer,
  done: (error: unknown, body: unknown) => void,
) => void;

/** The parsers as the web server is given them. */
function bodyParsers(): ReadonlyMap<string, BodyParser> {
  const parsers = new Map<string, BodyParser>();
  useBodyParsers({
    getHttpAdapter: () => ({ getInstance: () => ({ removeContentTypeParser: () => undefined }) }),
    useBodyParser: (type: string, _options: object, parser: BodyParser) => parsers.set(type, parser),
  } as unknown as NestFastifyApplication);
  return parsers;
}

/** Two endpoints stand there, so that a policy can be placed at one. */
const PROXY = [proxyCreated, endpointAdded('/users/{id}'), endpointAdded('/users', 'POST')].reduce(
  (state, event) => apiProxyDecider.evolve(state, event),
  apiProxyDecider.initialState,
);

/**
 * `POST X/policies/{policyName}/` without web server and database: body parsers, controller, decider, link check and error
 * filter are the control plane's own. Nothing stays.
 */
export class PolicyCalls {
  private readonly parsers = bodyParsers();
  private readonly check = new LinkedProxyCheck(CONTROL_PLANE_DEFAULTS);
  private readonly filter = new ApiErrorFilter(pino({ level: 'silent' }));
  private recorded: PolicyContract | undefined;
  private readonly controller = new PoliciesController(
    { execute: (command: AddPolicy) => this.add(command) } as unknown as CommandBus,
    {} as QueryBus,
    new EnvironmentNameCheck({
      query: () => Promise.resolve({ rows: [{ name: 'production', entity_id: 'e-1' }] }),
    } as unknown as pg.Pool),
    this.check,
    { of: () => Promise.resolve([]) },
  );

  async post(body: Buffer, mediaType: string, query: QueryParameters = {}): Promise<CallAnswer> {
    this.recorded = undefined;
    try {
      const envelope = await this.controller.add(ASKER, ADDRESS, this.parse(body, mediaType), query);
      return this.answered(envelope);
    } catch (error) {
      return this.refused(error);
    }
  }

  private answered(envelope: SuccessEnvelope): CallAnswer {
    const { recorded: policy } = this;
    return { status: 200, text: JSON.stringify(envelope), ...(policy && { policy }) };
  }

  private parse(body: Buffer, mediaType: string): unknown {
    let parsed: unknown;
    this.parsers.get(mediaType)?.({ headers: { 'content-type': mediaType } }, body, (_error, found) => {
      parsed = found;
    });
    return parsed;
  }

  /** What `ProxyChanges` does of it, but for the database. */
  private add({ address, metadata, policy }: AddPolicy): unknown {
    const command = { type: 'AddPolicy', name: address.policyName, policy, ...metadata } as const;
    const events = apiProxyDecider.decide(command, PROXY);
    const stored = JSON.parse(JSON.stringify(events)) as typeof events;
    const proxy = requireApiProxy(stored.reduce((state, event) => apiProxyDecider.evolve(state, event), PROXY));
    const faults = this.check.faultsOf(proxy);
    if (faults.length > 0) throw invalid(faults);
    this.recorded = proxy.policies.find(({ name }) => name === address.policyName)?.policy;
    return { proxy, deploymentResult: { success: true, deploymentResults: [] } };
  }

  private refused(error: unknown): CallAnswer {
    let [status, text] = [0, ''];
    const reply = {
      code: (given: number) => ((status = given), reply),
      header: () => reply,
      send: (body: object) => ((text = JSON.stringify(body)), reply),
    };
    const request = { raw: {}, method: 'POST', url: '/', headers: {} };
    const host = { switchToHttp: () => ({ getResponse: () => reply, getRequest: () => request }) };
    this.filter.catch(error, host as unknown as ArgumentsHost);
    return { status, text };
  }
}
