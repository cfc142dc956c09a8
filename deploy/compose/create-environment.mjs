// Creates the environment of the compose file once and leaves its gateway key where the gateways read it.
import { access, writeFile } from 'node:fs/promises';

const { APIOPS_URL, ADMIN_TOKEN, ENVIRONMENT, REDIS_URL, KEY_FILE } = process.env;

const exists = await access(KEY_FILE).then(
  () => true,
  () => false,
);
if (exists) {
  console.log(`environment ${ENVIRONMENT}: key is there`);
  process.exit(0);
}

async function post(path, body) {
  const response = await fetch(`${APIOPS_URL}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: await response.json() };
}

let made = await post('/environments/', { name: ENVIRONMENT, redisUrl: REDIS_URL });
if (made.status === 409) made = await post(`/environments/${encodeURIComponent(ENVIRONMENT)}/keys/`, {});
if (made.status !== 200) {
  console.error(`environment ${ENVIRONMENT}: ${made.answer.error_description}`);
  process.exit(1);
}
await writeFile(KEY_FILE, made.answer.resultList[0].gatewayKey, { mode: 0o600 });
console.log(`environment ${ENVIRONMENT}: created`);
