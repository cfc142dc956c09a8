/**
 * What a policy costs a request: the linked request pipeline with one policy-verify-jwt (issuer, audience, times), its exchange
 * included, beside the bare node:crypto signature check of the same bytes. One request at a time, in turns, in one process.
 * Read the ratios of throughputs (above 1: the policy is faster), not the microseconds.
 *
 *     npm run bench -- policy-step
 *
 * A missed target is printed, and exits with 0: this machine may be busy. A good token refused exits with 1.
 */
import os from 'node:os';
import { VerifiedTokens } from '#libs/jwt-engine';
import { literalKey, policyStep, type KeySource } from './jwks/policy-step.ts';
import { type Line, printTable } from './jwt-engine/figures.ts';
import { type Contestant, race, throughputRatio, typicalMicros } from './jwt-engine/rounds.ts';
import { signedTokens, type SignedTokens } from './jwt-engine/signed-tokens.ts';
import { bare } from './jwt-engine/verifiers.ts';

const PACE = { rounds: 201, pieces: 200 };
const BYTES = 32 * 1024 * 1024;

/** Room for all tokens that take turns, or for so few that each is forgotten before its turn comes again. */
const remembering = (): VerifiedTokens => new VerifiedTokens({ entries: 10_000, bytes: BYTES });
const forgetting = (): VerifiedTokens => new VerifiedTokens({ entries: 8, bytes: BYTES });

function stepOf(name: string, { algorithm, at: tokenAt, key }: SignedTokens, memory?: VerifiedTokens): Contestant {
  const source: KeySource = { ...literalKey(key), verifiedTokens: memory };
  return policyStep({ name, algorithm, tokenAt, source });
}

async function linesOf(tokens: SignedTokens): Promise<Line[]> {
  const contestants = [
    bare(tokens),
    stepOf('again', tokens, remembering()),
    stepOf('first seen', tokens, forgetting()),
    stepOf('not remembered', tokens),
  ];
  const [signature, ...steps] = await race(contestants, PACE);
  if (signature === undefined) throw new RangeError('a contestant has its times');
  return steps.map((step) => ({
    what: `${tokens.algorithm} ${step.name}`,
    micros: [step, signature].map((times) => [times.name, typicalMicros(times)] as const),
    measured: throughputRatio(step, signature),
    ...(step.name === 'again' ? { target: { least: 7 } } : {}),
    ...(step.name === 'first seen' ? { target: { least: 0.8 } } : {}),
  }));
}

const [cpu] = os.cpus();
console.log(`${os.cpus().length} x ${cpu?.model}, Node ${process.version}, load ${os.loadavg()[0]?.toFixed(1)}`);
for (const algorithm of ['RS256', 'ES256'] as const) {
  printTable(`A policy beside its signature alone: ${algorithm}`, await linesOf(signedTokens(algorithm)));
}
