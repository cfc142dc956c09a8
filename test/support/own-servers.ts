// Tells a suite which of the run's servers are its worker's own (see servers-setup.ts).
const worker = Number(process.env['JEST_WORKER_ID'] ?? '1') - 1;
for (const name of ['TEST_DATABASE_URL', 'TEST_REDIS_URL']) {
  const urls = process.env[`${name}S`]?.split(' ');
  if (urls !== undefined) process.env[name] = urls[worker % urls.length];
}
