// Creates one environment and leaves its gateway key in a file, once: with the environment and the file there it does nothing.
// A key that was lost is replaced by a further one; a key whose environment is gone, by that of the new one.
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';

const { APIOPS_URL, ADMIN_TOKEN_FILE, ENVIRONMENT, KEY_FILE } = process.env;

function fail(reason) {
  console.error(`environment ${ENVIRONMENT}: ${reason}`);
  process.exit(1);
}

const adminToken = (await readFile(ADMIN_TOKEN_FILE, 'utf8')).trim();

/** The answer's results; null when there is no such thing. */
async function call(method, path, body) {
  const response = await fetch(`${APIOPS_URL}${path}`, {
    method,
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (response.status === 404) return null;
  const answer = await response.json();
  if (response.status !== 200) fail(`${method} ${path}: ${response.status} ${answer.error_description}`);
  return answer.resultList;
}

const hasKey = await stat(KEY_FILE).then(
  (file) => file.size > 0,
  () => false,
);
const own = `/environments/${encodeURIComponent(ENVIRONMENT)}/`;
const exists = (await call('GET', own)) !== null;
if (exists && hasKey) {
  console.log(`environment ${ENVIRONMENT}: is there, and so is its key`);
} else {
  // What a killed run left behind cannot be written to: it goes before a further key is made.
  await rm(`${KEY_FILE}.new`, { force: true });
  const made = exists
    ? await call('POST', `${own}keys/`, {})
    : await call('POST', '/environments/', { name: ENVIRONMENT });
  // Whole or not there: a gateway must not start with half a key.
  await writeFile(`${KEY_FILE}.new`, made[0].gatewayKey, { mode: 0o400 });
  await rename(`${KEY_FILE}.new`, KEY_FILE);
  console.log(`environment ${ENVIRONMENT}: ${exists ? 'has a further key' : 'created'}`);
}
