import { parseCondition, type VariableValue } from '#libs/policy-runtime';
import { type SeededRandom } from '../../chaos/seeded-random.ts';
import { type FuzzTarget, type Judgement } from '../fuzz-target.ts';
import { mutateText } from '../mutate-text.ts';

const VARIABLES: Readonly<Record<string, VariableValue>> = {
  'request.verb': 'GET',
  'proxy.pathsuffix': '/a/b',
  'jwt.P.claim.n': 1.5,
  'jwt.P.valid': true,
  list: ['a', 'b'],
};
const lookup = (name: string): VariableValue => (Object.hasOwn(VARIABLES, name) ? VARIABLES[name] : undefined);

/** Comparisons with what they are. */
const LEAVES: readonly (readonly [string, boolean])[] = [
  ['true', true],
  ['false', false],
  ['jwt.P.valid', true],
  ['jwt.P.valid = "true"', true],
  ['request.verb', false],
  ['request.verb = "GET"', true],
  ['request.verb := "get"', true],
  ['request.verb Is "get"', false],
  ['jwt.P.claim.n > 1', true],
  ['jwt.P.claim.n LesserThan 1', false],
  ['missing = null', true],
  ['missing != null', false],
  ['proxy.pathsuffix ~/ "/*/b"', true],
  ['request.verb ~ "P*"', false],
  ['request.verb JavaRegex "G.T"', true],
  ['request.verb =| "G"', true],
];
const PIECES = [
  ...'()"\'=!<>&|~:*%. \t\n\u0000a1-\u00e9\ud83d[]{}+?\\^$',
  ...[
    ' and ',
    ' or ',
    ' not ',
    '&&',
    '||',
    '~~',
    '~/',
    '=|',
    ':=',
    'JavaRegex',
    '"(a+)+$"',
    '((((',
    '!!!!',
    '"**"',
    'null',
    '1.5f',
  ],
];

interface Written {
  readonly text: string;
  readonly holds: boolean;
}

const OR = 0;
const AND = 1;
const NOT = 2;

/** `text` as an operand of something that binds tighter than it. */
const within = (written: Written, own: number, around: number, random: SeededRandom): string =>
  own < around || random.between(0, 5) === 0 ? `(${written.text})` : written.text;

/** A condition with its value, worked out from how it was built; parentheses stand where precedence needs them. */
function write(random: SeededRandom, depth: number, around: number): Written {
  const kind = depth === 0 ? 3 : random.between(0, 3);
  if (kind === 3) {
    const [text, holds] = random.pick(LEAVES);
    return around === NOT && text.includes(' ') ? { text: `(${text})`, holds } : { text, holds };
  }
  if (kind === NOT) {
    const inner = write(random, depth - 1, NOT);
    return { text: `${random.pick(['!', 'not ', '! '])}${inner.text}`, holds: !inner.holds };
  }
  const [left, right] = [write(random, depth - 1, kind), write(random, depth - 1, kind)];
  const word = random.pick(kind === AND ? ['and', 'AND', '&&'] : ['or', 'Or', '||']);
  const holds = kind === AND ? left.holds && right.holds : left.holds || right.holds;
  const written = { text: `${left.text} ${word} ${right.text}`, holds };
  return { text: within(written, kind, around, random), holds };
}

function judge(text: string): Judgement {
  const parsed = parseCondition(text);
  if (!parsed.ok) {
    const isPlace = Number.isInteger(parsed.position) && parsed.position >= 0 && parsed.position <= text.length;
    return {
      group: 'refused',
      violation: isPlace ? undefined : `refused at ${parsed.position}, which is no place in it`,
    };
  }
  const [holds, again] = [parsed.evaluate(lookup), parsed.evaluate(lookup)];
  if (typeof holds !== 'boolean' || holds !== again) return { group: 'parsed', violation: 'has no one value' };
  return { group: String(holds) };
}

const judgeBuilt =
  ({ text: built, holds }: Written) =>
  (text: string): Judgement => {
    const judged = judge(text);
    if (text !== built || judged.violation !== undefined || judged.group === String(holds)) return judged;
    return { ...judged, violation: `is ${judged.group}, not ${holds}` };
  };

/** Conditions built with a known value, and the same spoilt. */
export const CONDITIONS: FuzzTarget = {
  name: 'conditions',
  share: 10,
  groups: ['true', 'false', 'refused'],
  prepare: () => (random) => {
    const built = write(random, random.between(0, 4), OR);
    const text = random.between(0, 1) === 0 ? built.text : mutateText(built.text, random, PIECES);
    return { text, judge: judgeBuilt(built) };
  },
};
