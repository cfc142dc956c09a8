import type { DomainEvent } from '#libs/event-store';
import type { DeploymentOutcome } from './deployment-rows.ts';

/** The wish that a proxy's revision (or its absence) reaches the gateways of an environment. */
export type DeploymentRequested = DomainEvent<
  'DeploymentRequested',
  {
    environmentId: string;
    /** Rises per environment. */
    deployment: number;
    kind: 'publish' | 'undeploy';
    proxyId: string;
    revision: number;
    description: string;
  }
>;

interface Settled {
  environmentId: string;
  deployment: number;
  proxyId: string;
  revision: number;
  /** One sentence. */
  message: string;
  gateways: DeploymentOutcome['gateways'];
  /**
   * Of the artifact that was compiled and given out, also where gateways rejected it. Not there where nothing was
   * compiled, or what was given out was overtaken; and never in the wish: what an artifact holds beside the revision is
   * read when it is compiled.
   */
  hash?: string;
}
export type DeploymentSucceeded = DomainEvent<'DeploymentSucceeded', Settled>;
export type DeploymentFailed = DomainEvent<'DeploymentFailed', Settled>;
export type DeploymentSuperseded = DomainEvent<'DeploymentSuperseded', Settled>;

/** The Redis of the environment had lost its data, was an old copy or was altered: everything is published to it again. */
export type ChannelRestarted = DomainEvent<
  'ChannelRestarted',
  { environmentId: string; epoch: string; sequence: number }
>;

/** What an environment's stream of deployments holds. */
export type DeploymentEvent =
  DeploymentRequested | DeploymentSucceeded | DeploymentFailed | DeploymentSuperseded | ChannelRestarted;

export const environmentDeploymentsStream = (environmentId: string): string =>
  `environmentDeployments-${environmentId}`;

/** How a deployment ended, as an event. */
export function settledEvent(
  state: 'succeeded' | 'failed' | 'superseded',
  { message, gateways, hash }: DeploymentOutcome,
  deployment: Pick<Settled, 'environmentId' | 'deployment' | 'proxyId' | 'revision'>,
): DeploymentEvent {
  const { environmentId, deployment: number, proxyId, revision } = deployment;
  const named = { environmentId, deployment: number, proxyId, revision };
  const superseded: Settled = { ...named, message, gateways };
  const data: Settled = hash === undefined ? superseded : { ...superseded, hash };
  switch (state) {
    case 'succeeded':
      return { type: 'DeploymentSucceeded', schemaVersion: 1, data };
    case 'failed':
      return { type: 'DeploymentFailed', schemaVersion: 1, data };
    case 'superseded':
      return { type: 'DeploymentSuperseded', schemaVersion: 1, data: superseded };
  }
}
