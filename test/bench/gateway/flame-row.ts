import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CLIENTS, type BenchTokens } from './bench-tokens.ts';
import type { BenchSite } from './bench-site.ts';
import { flameGraphSvg, type CpuProfile } from './flame-graph.ts';
import { startGatewarden } from './gatewarden.ts';
import { runWrk } from './wrk-load.ts';

const SECONDS = 8;
/** From the end of the load until the gateway has stopped. */
const AFTERWARDS_MS = 500;

export interface FlameWishes {
  readonly settings: Readonly<Record<string, string>>;
  readonly tokens: BenchTokens;
  readonly directory: string;
}

/** Profiles a gateway under RS256 tokens that repeat. Returns where the profile and its picture are, in words. */
export async function drawFlameGraph(site: BenchSite, { settings, tokens, directory }: FlameWishes): Promise<string> {
  const profiles = path.join(site.directory, 'profiles');
  mkdirSync(profiles, { recursive: true });
  const nodeOptions = ['--cpu-prof', `--cpu-prof-dir=${profiles}`, '--cpu-prof-interval=250'];
  const gateway = await startGatewarden(site, { id: 'profiled', settings, nodeOptions });
  const load = { wrk: site.tools.wrk, port: gateway.port, path: '/rs256/1', pace: { connections: 64, pauseMs: 0 } };
  const inTurn = { file: tokens.file, first: 0, count: CLIENTS };
  await runWrk({ ...load, seconds: SECONDS, tokens: inTurn });
  await gateway.process.stop();
  const [written] = readdirSync(profiles).filter((name) => name.endsWith('.cpuprofile'));
  if (written === undefined) throw new Error(`the gateway left no profile: ${gateway.process.output}`);
  const [profileFile, picture] = ['gateway.cpuprofile', 'gateway-flame.svg'].map((name) => path.join(directory, name));
  const text = readFileSync(path.join(profiles, written), 'utf8');
  writeFileSync(profileFile!, text);
  const title = 'Gatewarden, RS256 tokens that repeat: where the processor time goes';
  writeFileSync(picture!, flameGraphSvg(JSON.parse(text) as CpuProfile, SECONDS * 1_000 - AFTERWARDS_MS, title));
  return `profile: ${profileFile}\nflame graph: ${picture}`;
}
