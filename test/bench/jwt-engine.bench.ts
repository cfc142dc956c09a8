/**
 * What the engine adds to a signature, in one process on one core: beside bare node:crypto of the same bytes, jose and
 * fast-jwt (without its cache). Read the ratios of throughputs (above 1: the engine is faster), not the microseconds.
 *
 *     npm run bench -- jwt-engine
 *
 * A missed target is printed, and exits with 0: this machine may be busy. A good token refused exits with 1.
 */
import os from 'node:os';
import { type JwsAlgorithmName } from '#libs/jwt-engine';
import { encryptedRaces } from './jwt-engine/encrypted-tokens.ts';
import { type Line, printTable } from './jwt-engine/figures.ts';
import { keySetOf } from './jwt-engine/key-sets.ts';
import { refusals } from './jwt-engine/refusals.ts';
import { type Contestant, race, throughputRatio, typicalMicros } from './jwt-engine/rounds.ts';
import { ALGORITHMS, signedTokens, type SignedTokens } from './jwt-engine/signed-tokens.ts';
import { bare, engine, fastJwt, jose } from './jwt-engine/verifiers.ts';

const PACE = { rounds: 61, pieces: 400 };
const SLOW_PACE = { rounds: 15, pieces: 100 };

const tokenSets = ALGORITHMS.map(signedTokens);

interface Match {
  readonly what: string;
  readonly ours: Contestant;
  readonly theirs: Contestant;
  /** Least ratio of throughputs; left out: for information. */
  readonly least?: number;
}

const play = async ({ what, ours, theirs, least }: Match, pace = PACE): Promise<Line> => {
  const [mine, other] = await race([ours, theirs], pace);
  if (mine === undefined || other === undefined) throw new RangeError('two contestants have two times');
  const micros = [mine, other].map((times) => [times.name, typicalMicros(times)] as const);
  const line = { what, micros, measured: throughputRatio(mine, other) };
  return least === undefined ? line : { ...line, target: { least } };
};

const playAll = async (title: string, matches: readonly Match[], pace = PACE): Promise<void> => {
  const lines: Line[] = [];
  for (const match of matches) lines.push(await play(match, pace));
  printTable(title, lines);
};

const against = (
  contestant: (tokens: SignedTokens) => Contestant,
  leastOf: Readonly<Partial<Record<JwsAlgorithmName, number>>>,
): Match[] =>
  tokenSets.map((tokens) => {
    const match = { what: tokens.algorithm, ours: engine(tokens), theirs: contestant(tokens) };
    const least = leastOf[tokens.algorithm];
    return least === undefined ? match : { ...match, least };
  });

const bySelectedKey = (): Match[] =>
  tokenSets
    .filter(({ key }) => key.type === 'public')
    .map((tokens) => ({
      what: tokens.algorithm,
      ours: { ...engine(tokens, keySetOf([tokens])), name: 'key set' },
      theirs: { ...engine(tokens), name: 'one key' },
      least: 0.95,
    }));

const measureRefusals = async (): Promise<void> => {
  const [tokens] = tokenSets;
  if (tokens === undefined) throw new RangeError('no tokens to spoil');
  const times = await race(refusals(tokens), PACE);
  const lines = times.map((of) => ({ what: of.name, micros: [], measured: typicalMicros(of), target: { most: 3 } }));
  printTable('A refusal before the signature (microseconds)', lines);
};

const [cpu] = os.cpus();
console.log(`${os.cpus().length} x ${cpu?.model}, Node ${process.version}, load ${os.loadavg()[0]?.toFixed(1)}`);
// The bare cost first: nobody else's code has been through the engine's and Node's functions yet.
await playAll(
  'Beside bare node:crypto (ratio of throughputs)',
  against(bare, { RS256: 0.9, PS256: 0.9, ES256: 0.9, HS256: 0.5 }),
);
await playAll('Key of a key set beside one literal key (ratio of throughputs)', bySelectedKey());
await measureRefusals();
await playAll(
  'Beside fast-jwt without cache (ratio of throughputs)',
  against(fastJwt, { RS256: 1, PS256: 1, ES256: 1, HS256: 1 }),
);
await playAll('Beside jose.jwtVerify, one at a time (ratio of throughputs)', against(jose, { RS256: 3, HS256: 8 }));
const encrypted = (await encryptedRaces()).map(({ what, engine: ours, jose: theirs }) => ({ what, ours, theirs }));
await playAll('Encrypted tokens beside jose.jwtDecrypt, one at a time (ratio of throughputs)', encrypted, SLOW_PACE);
