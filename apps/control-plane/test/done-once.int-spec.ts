import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { deploymentsNotEndedOnce } from '../../../test/support/recorded-once.ts';
import { openWishes, wishAllIdentities } from '../src/channel-upkeep/identity-wishes.ts';
import { tellRevocationsAgain } from '../src/channel-upkeep/token-revocations.ts';
import { DeploymentQueues } from '../src/deployment-requests/deployment-queues.ts';
import { DeploymentRelay } from '../src/deployment-requests/deployment-relay.ts';
import { OvertakenWishes } from '../src/deployment-requests/overtaken-wishes.ts';
import { requestDeployments } from '../src/deployment-requests/deployment-requests.ts';
import { EnvironmentChannels } from '../src/deployments/channel/environment-channels.ts';
import { EnvironmentUpkeep } from '../src/deployments/deployer/environment-upkeep.ts';
import { ownContext, UnitOfWork } from '../src/persistence/unit-of-work.ts';
import { credentialBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

const SUITE_MS = 90_000;
const P = '/projects/shop';
const WISHES = 40;
const ROUNDS = 5;

let plane: RunningControlPlane;
let environment: { name: string; id: string };
/** Each with connections, timers and memory of its own. */
let processes: NestFastifyApplication[];

beforeAll(async () => {
  plane = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 50 });
  processes = [plane.app, await plane.process(), await plane.process()];
  environment = await plane.environment();
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('orders'));
}, SUITE_MS);
afterAll(() => plane.close(), SUITE_MS);

const inEach = <Value>(work: (app: NestFastifyApplication) => Promise<Value>): Promise<Value[]> =>
  Promise.all(processes.map(work));

/** So many wishes for one proxy, recorded in one transaction: nobody sees them before all are there. */
async function wishMany(): Promise<void> {
  const target = { environmentId: environment.id, environmentName: environment.name };
  await plane.app.get(UnitOfWork).run(ownContext('test'), async (unit) => {
    for (let count = 0; count < WISHES; count += 1) {
      await requestDeployments(unit, [target], { kind: 'undeploy', proxyId: 'p', revision: 1, description: '' });
    }
  });
}

describe('work that several processes find at the same moment', () => {
  it(
    'wishes that a newer one overtook are ended once each, by whoever comes first',
    async () => {
      await wishMany();
      const ended = await inEach((app) => app.get(OvertakenWishes).end(environment.id));
      const byAll = ended.flat();
      expect(new Set(byAll).size).toBe(byAll.length);
      const open = (await deploymentsNotEndedOnce(plane.pool)) as { deployment: string; state: string; ends: string }[];
      expect(open).toMatchObject([{ deployment: String(WISHES), state: 'pending', ends: '0' }]);
    },
    SUITE_MS,
  );

  it(
    'a wish becomes one job, however many make jobs of it, again and again',
    async () => {
      // Whoever looked while the others were being ended made jobs of them, which would find nothing to do.
      await inEach((app) => app.get(DeploymentRelay).flush());
      await plane.app.get(DeploymentQueues).of(environment.id).drain();
      for (let round = 0; round < ROUNDS; round += 1) {
        await plane.pool.query('update deployments set enqueued_at = null');
        await inEach((app) => app.get(DeploymentRelay).flush());
      }
      const { counts, jobs } = await plane.app.get(DeploymentQueues).stateOf(environment.id);
      expect(counts.waiting).toBe(1);
      expect(jobs?.map(({ deployment }) => deployment)).toEqual([WISHES]);
    },
    SUITE_MS,
  );

  it(
    'users and revocations are told, and no process takes what another has told for something foreign',
    async () => {
      const names = ['ann', 'bob', 'cleo', 'dora'];
      for (const name of names) await plane.done('POST', `${P}/credentials/`, credentialBody(name, 'a first password'));
      await plane.done('POST', `/environments/${environment.name}/revocations/`, { username: 'ann' });
      for (let round = 0; round < ROUNDS; round += 1) {
        await plane.app.get(UnitOfWork).run(ownContext('test'), async ({ transaction }) => {
          await wishAllIdentities(transaction, environment.id);
          await tellRevocationsAgain(transaction, environment.id);
        });
        await inEach((app) => app.get(EnvironmentUpkeep).run(environment.id));
        expect(await openWishes(plane.pool, environment.id, 10)).toEqual([]);
      }
      const toldVersions = async () =>
        (
          await plane.pool.query<{ subject: string; version: string }>(
            `select subject, version from told_identities where environment_id = $1 and kind = 'credential' order by subject`,
            [environment.id],
          )
        ).rows;
      const told = await toldVersions();
      // Another process has told them, and did not come to say so.
      await plane.pool.query(
        `insert into identity_wishes (environment_id, kind, subject, entity_id, version)
         select environment_id, kind, subject, entity_id, version from told_identities where environment_id = $1`,
        [environment.id],
      );
      await inEach((app) => app.get(EnvironmentUpkeep).run(environment.id));
      expect(await toldVersions()).toEqual(told);
      expect(told.map(({ subject }) => subject)).toEqual(names);
      const { channel } = (await plane.app.get(EnvironmentChannels).opened(environment.id)).channel;
      for (const { subject, version } of told) {
        expect((await channel.identity('credential', subject))?.version).toBe(Number(version));
      }
      const untold = 'select 1 from token_revocations where told_sequence is null';
      expect((await plane.pool.query(untold)).rows).toEqual([]);
      expect(plane.logLines.filter((line) => line.includes('that PostgreSQL does not know'))).toEqual([]);
    },
    SUITE_MS,
  );

  it(
    'a new environment is begun by one of them, and its log is not begun anew by the others',
    async () => {
      const { id } = await plane.environment();
      for (let round = 0; round < ROUNDS; round += 1) {
        await plane.pool.query('delete from environment_channels where environment_id = $1', [id]);
        await inEach((app) => app.get(EnvironmentUpkeep).run(id));
        const begun = await plane.pool.query('select 1 from environment_channels where environment_id = $1', [id]);
        expect(begun.rows).toHaveLength(1);
      }
      expect((await plane.events()).filter(({ type }) => type === 'ChannelRestarted')).toEqual([]);
    },
    SUITE_MS,
  );

  it(
    'an environment that was deleted under the hands of its upkeep is not begun again',
    async () => {
      const { id } = await plane.environment();
      await plane.app.get(EnvironmentUpkeep).run(id);
      // As the deletion leaves it, while the channel is open here still.
      await plane.pool.query('delete from environment_channels where environment_id = $1', [id]);
      await plane.pool.query('delete from names where entity_id = $1', [id]);
      await plane.app.get(EnvironmentUpkeep).run(id);
      const begun = await plane.pool.query('select 1 from environment_channels where environment_id = $1', [id]);
      expect(begun.rows).toEqual([]);
    },
    SUITE_MS,
  );
});
