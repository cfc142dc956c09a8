// Health check of a container: is-well.mjs <address>. Exit code 0 when the address answers with 200 within 3 seconds.
const [address] = process.argv.slice(2);
const isWell = await fetch(address, { signal: AbortSignal.timeout(3_000) }).then(
  (answer) => answer.ok,
  () => false,
);
process.exit(isWell ? 0 : 1);
