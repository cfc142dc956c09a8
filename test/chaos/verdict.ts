import { type GatewardenSystem } from '../support/gatewarden-system.ts';
import { deploymentsNotEndedOnce } from '../support/recorded-once.ts';
import { type GatewayWatcher } from './gateway-watcher.ts';
import {
  eventsByKey,
  Markers,
  newestOfEach,
  recordedDeployments,
  servedOtherwise,
  type RecordedDeployment,
} from './recorded-truth.ts';
import { backwardSteps } from './served-order.ts';
import { type SentChange } from './writer.ts';

const TOLD_OF_A_KIND = 8;
const CONTENT_EVENTS = ['PolicyAdded', 'PolicyUpdated', 'PolicyDeleted', 'ProxyUpdated'];

/** What was promised and not kept, one sentence each. */
export async function violations(
  system: GatewardenSystem,
  watchers: readonly GatewayWatcher[],
  sent: readonly SentChange[],
): Promise<string[]> {
  const deployments = await recordedDeployments(system.database.pool);
  return [
    ...told(watchers.flatMap(({ failures }) => failures.map((failure) => `a request failed: ${failure}`))),
    ...told(await servedOtherwise(system, newestOfEach(deployments))),
    ...(await servedBackward(system, watchers, deployments)),
    ...told(await lostOrDoubled(system, sent)),
    ...told(notRecorded(sent, deployments)),
    ...told(notDeployed(sent)),
    ...told(await endedWrongly(system)),
    ...(await brokenHistory(system)),
  ];
}

function told(wrong: readonly string[]): string[] {
  const more = wrong.length - TOLD_OF_A_KIND;
  return [...wrong.slice(0, TOLD_OF_A_KIND), ...(more > 0 ? [`… and ${more} more of that kind`] : [])];
}

async function servedBackward(
  system: GatewardenSystem,
  watchers: readonly GatewayWatcher[],
  deployments: readonly RecordedDeployment[],
): Promise<string[]> {
  const markers = new Markers(system);
  await markers.learn(deployments);
  return watchers.flatMap(({ watched, sightings }) =>
    [...sightings].flatMap(([proxy, log]) => {
      const known = markers.deploymentsOf(deployments, watched.environment, proxy);
      return told(backwardSteps(log.kept, known)).map((wrong) => `${watched.gateway.id}, proxy ${proxy}: ${wrong}`);
    }),
  );
}

/** Answered changes that are not there, or are there twice, and refused ones that are there. */
async function lostOrDoubled(system: GatewardenSystem, sent: readonly SentChange[]): Promise<string[]> {
  const recorded = await eventsByKey(system.database.pool);
  return sent.flatMap((change) => {
    const events = recorded.get(change.key) ?? [];
    const content = events.filter(({ type }) => CONTENT_EVENTS.includes(type));
    const what = `change ${change.key} (${change.kind}, ${change.outcome}, sent ${change.sends} times)`;
    if (content.length > 1) return [`${what} is in the log ${content.length} times`];
    if (change.outcome === 'refused' && events.length > 0) return [`${what} is in the log: ${change.why}`];
    if (change.outcome !== 'answered' || change.event === null) return [];
    const [event] = content;
    if (event === undefined) return [`${what} is not in the log`];
    return event.type === change.event && event.data.includes(change.text) ? [] : [`${what} left ${event.data}`];
  });
}

/** Deployments that answers named and no event tells of. */
function notRecorded(sent: readonly SentChange[], deployments: readonly RecordedDeployment[]): string[] {
  const known = new Map(deployments.map((one) => [`${one.environment} ${one.deployment}`, one]));
  return sent.flatMap((change) => {
    if (change.outcome !== 'answered') return [];
    return change.deployments.flatMap(({ environment, deployment, revision }) => {
      const found = known.get(`${environment} ${deployment}`);
      if (found?.proxy === change.proxy && found.revision === revision) return [];
      return [
        `change ${change.key} was answered with deployment ${deployment} to ${environment}, of which no event tells`,
      ];
    });
  });
}

/** Answered changes that were to be deployed somewhere, and were not asked for there. */
function notDeployed(sent: readonly SentChange[]): string[] {
  return sent.flatMap((change) => {
    if (change.outcome !== 'answered') return [];
    const deployed = change.deployments.map(({ environment }) => environment);
    const left = change.environments.filter((environment) => !deployed.includes(environment));
    return left.map(
      (environment) => `change ${change.key} (${change.kind}) was answered without a deployment to ${environment}`,
    );
  });
}

async function endedWrongly(system: GatewardenSystem): Promise<string[]> {
  const { pool } = system.database;
  const open = await deploymentsNotEndedOnce(pool);
  const { rows } = await pool.query<{ deployment: string; message: string }>(
    `select deployment, result ->> 'message' as message from deployments where state = 'failed'`,
  );
  return [
    ...open.map((row) => `a deployment has not exactly one end: ${JSON.stringify(row)}`),
    ...rows.map(({ deployment, message }) => `deployment ${deployment} failed: ${message}`),
  ];
}

/** As `npm run audit:verify` says it. */
async function brokenHistory(system: GatewardenSystem): Promise<string[]> {
  const program = system.command('audit-verify');
  program.start();
  const code = await program.exited();
  return code === 0 ? [] : [`audit:verify ended with ${code}: ${program.output.slice(0, 2_000)}`];
}
