import { type ApiopsClient, type ApiopsMethod } from './apiops-client.ts';
import {
  CLIENT_ID,
  JWT_AUTH_PATH,
  jwtAuthBody,
  PROJECT,
  PROXIES,
  proxyBody,
  userBody,
  USERNAME,
  verifyPartnerBody,
} from './demo-content.ts';
import { saveDemoState, type DemoState } from './demo-state.ts';

interface Call {
  readonly method: ApiopsMethod;
  readonly path: string;
  readonly body: unknown;
}

/** One thing that apiops is told once. `otherwise`: what to do where it exists, but may hold an older secret. */
interface DemoStep {
  readonly name: string;
  readonly call: Call;
  readonly otherwise?: Call;
}

const TOKEN_LIFE_SECONDS = 3600;

function stepsOf(state: DemoState, upstreamPort: number): readonly DemoStep[] {
  const users = `/projects/${PROJECT}/credentials/`;
  const verifyPath = `${PROXIES}/partners/policies/verify-partner/`;
  const keys = { publicKey: CLIENT_ID, secretKey: state.clientSecret };
  const user = userBody(state);
  const verify = verifyPartnerBody(state.partnerPublicKey);
  return [
    {
      name: 'proxy orders',
      call: { method: 'POST', path: `${PROXIES}/url/`, body: proxyBody('orders', upstreamPort) },
    },
    { name: 'keys of orders', call: { method: 'PATCH', path: `${PROXIES}/orders/settings/keys/`, body: keys } },
    {
      name: `user ${USERNAME}`,
      call: { method: 'POST', path: users, body: user },
      otherwise: { method: 'PATCH', path: `${users}${USERNAME}/`, body: { password: user.password, enabled: true } },
    },
    { name: 'policy jwt-auth', call: { method: 'POST', path: JWT_AUTH_PATH, body: jwtAuthBody(TOKEN_LIFE_SECONDS) } },
    {
      name: 'proxy partners',
      call: { method: 'POST', path: `${PROXIES}/url/`, body: proxyBody('partners', upstreamPort) },
    },
    {
      name: 'policy verify-partner',
      call: { method: 'POST', path: verifyPath, body: verify },
      otherwise: { method: 'PUT', path: verifyPath, body: verify },
    },
  ];
}

/** What the sample upstream listens on; its own step, because it may change from run to run. */
const addressCall = (proxy: string, upstreamPort: number): Call => ({
  method: 'PUT',
  path: `${PROXIES}/url/`,
  body: proxyBody(proxy, upstreamPort),
});

export interface DemoSurroundings {
  readonly dataDir: string;
  readonly upstreamPort: number;
  readonly say: (message: string) => void;
}

/**
 * Deploys the demo: project, proxies `orders` and `partners`, a user and the two policies. A step that apiops accepted
 * once is never repeated, so that what was changed by hand meanwhile stays; a project that is new (its database was
 * removed) starts from the first step.
 *
 * @throws StackFault `APIOPS_REFUSED`
 */
export async function deployDemo(apiops: ApiopsClient, state: DemoState, around: DemoSurroundings): Promise<void> {
  const project = { name: PROJECT, description: 'made by npm run up' };
  const created = await apiops.call('POST', '/projects/', project);
  const done = new Set(created.kind === 'done' ? [] : state.done);
  for (const step of stepsOf(state, around.upstreamPort)) {
    if (done.has(step.name)) continue;
    around.say(step.name);
    await runStep(apiops, step, around.say);
    done.add(step.name);
    if (step.name.startsWith('proxy ')) done.add(addressStep(around.upstreamPort));
    saveDemoState(around.dataDir, { ...state, done: [...done] });
  }
  if (done.has(addressStep(around.upstreamPort))) return;
  for (const proxy of ['orders', 'partners']) {
    around.say(`address of ${proxy}`);
    await runStep(apiops, { name: proxy, call: addressCall(proxy, around.upstreamPort) }, around.say);
  }
  const others = [...done].filter((name) => !name.startsWith('upstream '));
  saveDemoState(around.dataDir, { ...state, done: [...others, addressStep(around.upstreamPort)] });
}

const addressStep = (upstreamPort: number): string => `upstream ${upstreamPort}`;

async function runStep(apiops: ApiopsClient, step: DemoStep, say: (message: string) => void): Promise<void> {
  let outcome = await apiops.call(step.call.method, step.call.path, step.call.body);
  if (outcome.kind === 'exists' && step.otherwise !== undefined) {
    outcome = await apiops.call(step.otherwise.method, step.otherwise.path, step.otherwise.body);
  }
  if (outcome.kind === 'done' && outcome.answer.deploymentProblem !== null) {
    say(`${step.name} is recorded; its deployment goes on: ${outcome.answer.deploymentProblem}`);
  }
}
