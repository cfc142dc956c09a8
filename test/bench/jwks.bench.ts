/**
 * What it costs a request that its key comes from a key set by address: the linked policy-verify-jwt step with the
 * gateway's own key sets as they are delivered, beside the same policy with the key literally in it. One request at a
 * time, in turns, in one process. Read the ratios of throughputs (1: no difference), not the microseconds.
 *
 *     npm run bench -- jwks
 *
 * A missed target is printed, and exits with 0: this machine may be busy. A good token refused exits with 1.
 */
import os from 'node:os';
import { heldKeySets, keySetText } from './jwks/gateway-key-sets.ts';
import { literalKey, literalSet, policyStep, setByAddress, type KeySource } from './jwks/policy-step.ts';
import { type Line, printTable } from './jwt-engine/figures.ts';
import { type Contestant, race, throughputRatio, typicalMicros } from './jwt-engine/rounds.ts';
import { flat, signedTokens, type SignedTokens } from './jwt-engine/signed-tokens.ts';

/** Short rounds: what else the machine does falls between them rather than into one. */
const PACE = { rounds: 401, pieces: 60 };
const LEAST = 0.95;
const SET_SIZES = [1, 10, 100];
/** Of other keys: what an operator forbade before. */
const DENIED = Array.from({ length: 100 }, (_, index) => `denied-${index}`);

const tokenSets = [signedTokens('RS256'), signedTokens('ES256')];

const passing = (name: string, { algorithm, at: tokenAt }: SignedTokens, source: KeySource): Contestant =>
  policyStep({ name, algorithm, tokenAt, source });

async function compared(what: string, ours: Contestant, theirs: Contestant, least?: number): Promise<Line> {
  const [mine, other] = await race([ours, theirs], PACE);
  if (mine === undefined || other === undefined) throw new RangeError('two contestants have two times');
  const micros = [mine, other].map((times) => [times.name, typicalMicros(times)] as const);
  const line = { what, micros, measured: throughputRatio(mine, other) };
  return least === undefined ? line : { ...line, target: { least } };
}

async function besideLiterals(tokens: SignedTokens): Promise<{ readonly key: Line; readonly sets: Line[] }> {
  const fetched = async (text: string) => passing('by address', tokens, setByAddress(await heldKeySets(text)));
  const three = keySetText(tokens, 3);
  const key = await compared(
    `${tokens.algorithm}, set of 3`,
    await fetched(three),
    passing('literal key', tokens, literalKey(tokens.key)),
    LEAST,
  );
  const sets: Line[] = [];
  for (const size of SET_SIZES) {
    const text = keySetText(tokens, size);
    const literal = passing('literal set', tokens, literalSet(text));
    sets.push(await compared(`${tokens.algorithm}, set of ${size}`, await fetched(text), literal, LEAST));
  }
  return { key, sets };
}

async function besideNoDenials(tokens: SignedTokens): Promise<Line> {
  const text = keySetText(tokens, 3);
  const denying = passing('denials', tokens, setByAddress(await heldKeySets(text, DENIED)));
  const free = passing('none', tokens, setByAddress(await heldKeySets(text)));
  return compared(`${tokens.algorithm}, ${DENIED.length} denied`, denying, free, LEAST);
}

const withHeader = (token: string, header: object): string =>
  flat(Buffer.from(JSON.stringify(header)).toString('base64url') + token.slice(token.indexOf('.')));

/** What strangers can make a gateway do: refused without a signature being checked, and without a fetch. */
async function floods({ algorithm, at, key, keyId, ...tokens }: SignedTokens): Promise<Line[]> {
  const text = keySetText({ algorithm, at, key, keyId, ...tokens }, 3);
  const step = (name: string, source: KeySource, kidAt: (index: number) => string, fault = 'NoMatchingPublicKey') =>
    policyStep({
      ...{ name, algorithm, source, fault },
      tokenAt: (index) => withHeader(at(index), { alg: algorithm, kid: kidAt(index), typ: 'at+jwt' }),
    });
  const random = (index: number): string => `random-${index}`;
  const literal = literalSet(text);
  const asked = await heldKeySets(text);
  await asked.newerFor('https://idp.example/jwks', 'the one fetch of this cooldown');
  return [
    await compared(
      'kids at random',
      step('by address', setByAddress(asked), random),
      step('literal set', literal, random),
    ),
    await compared(
      'a denied kid',
      step('by address', setByAddress(await heldKeySets(text, [keyId, ...DENIED])), () => keyId),
      step('literal set', literal, random),
    ),
  ];
}

const [cpu] = os.cpus();
console.log(`${os.cpus().length} x ${cpu?.model}, Node ${process.version}, load ${os.loadavg()[0]?.toFixed(1)}`);
const literals = [];
for (const tokens of tokenSets) literals.push(await besideLiterals(tokens));
printTable(
  'A kid that the fetched set has, beside one literal key (ratio of throughputs)',
  literals.map(({ key }) => key),
);
printTable(
  'The same beside the same set literally in the policy (ratio of throughputs)',
  literals.flatMap(({ sets }) => sets),
);
const denials = [];
for (const tokens of tokenSets) denials.push(await besideNoDenials(tokens));
printTable('The same with denied keys at the address, beside none (ratio of throughputs)', denials);
const [first] = tokenSets;
if (first !== undefined)
  printTable('A token of a flood, refused without a fetch (ratio of throughputs)', await floods(first));
