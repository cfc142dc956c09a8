import { templateVariables } from '#libs/policy-runtime';
import { templateFiller } from '#libs/policy-runtime/testing';
import { type SeededRandom } from '../../chaos/seeded-random.ts';
import { type FuzzTarget, type Judgement } from '../fuzz-target.ts';
import { mutateText } from '../mutate-text.ts';

const VALUES: Readonly<Record<string, string>> = {
  verb: 'GET',
  empty: '',
  number: '7',
  'my-var.x': '{verb}',
  people: '{"a":[{"b":"c"},1.50],"__proto__":{"x":1}}',
  deep: `${'['.repeat(3_000)}${']'.repeat(3_000)}`,
  pattern: '(a+)+$',
  long: 'a'.repeat(2_000),
  zoned: "yyyy-MM-dd'T'HH:mm:ss.SSSZ",
  epoch: '1494390266',
  odd: 'a\r\nb\u0000\ud800',
};
const fill = templateFiller(VALUES);

/** References with what they are replaced by. */
const REFERENCES: readonly (readonly [string, string])[] = [
  ...Object.entries(VALUES).map(([name, value]) => [`{${name}}`, value] as const),
  ...([
    ['{absent}', ''],
    ['{absent:else}', 'else'],
    ['{empty:else}', ''],
    ['{verb:else}', 'GET'],
  ] as const),
  ...([
    ['{toLowerCase(verb)}', 'get'],
    ['{substring(verb,1)}', 'ET'],
    ["{escapeJSON('\"')}", '\\"'],
  ] as const),
  ...([
    ['{noFunction(verb)}', '{noFunction(verb)}'],
    ['{}', '{}'],
    ['{ verb }', '{ verb }'],
    ['{"a":1}', '{"a":1}'],
  ] as const),
];
const FUNCTIONS = [
  ...['md5', 'sha1', 'sha256', 'sha384', 'sha512', 'hmacMd5', 'hmacSha1', 'hmacSha224', 'hmacSha256', 'hmacSha384'],
  ...['hmacSha512', 'substring', 'toLowerCase', 'toUpperCase', 'firstnonnull', 'encodeBase64', 'decodeBase64'],
  ...['escapeJSON', 'escapeXML', 'escapeXML11', 'encodeHTML', 'createUuid', 'randomLong', 'jsonPath', 'timeFormat'],
  ...['timeFormatUTC', 'timeFormatMs', 'timeFormatUTCMs', 'replaceAll', 'replaceFirst', 'xPath', 'toString'],
];
const ARGUMENTS = [
  ...Object.keys(VALUES),
  ...[
    "'$.a[*].b'",
    "'$..*'",
    "'$[?(@.a)]'",
    "'(a+)+$'",
    "'\\\\'",
    "'yyyy'",
    "''",
    '0',
    '-1',
    '99999999999',
    'true',
    'absent:x',
  ],
];
const PIECES = [
  ...'{}()\'":,.$[]*\\ \n\u0000a1',
  ...[...FUNCTIONS.map((name) => `{${name}(`), ...ARGUMENTS, '://', "','", '{{{{', '}}}}', '{jwt.a.claim.https://b/c}'],
];
/** A template may say more than it is long, as functions do that spell bytes; nothing of it doubles again and again. */
const LONGEST_VALUE = 20_000;

const call = (random: SeededRandom): string => {
  const values = Array.from({ length: random.between(0, 4) }, () => random.pick(ARGUMENTS));
  return `{${random.pick(FUNCTIONS)}(${values.join(',')})}`;
};

function judge(text: string): Judgement {
  const names = templateVariables(text);
  const filled = fill(text);
  const group = names.length > 0 ? 'with variables' : filled === text ? 'text' : 'without variables';
  if (typeof filled !== 'string') return { group, violation: 'is no text' };
  const braces = text.split('{').length;
  const isLong = filled.length > text.length + braces * LONGEST_VALUE;
  return { group, violation: isLong ? 'says more than its parts' : undefined };
}

/** Message templates built with a known text, calls of every function, and the same spoilt. */
export const TEMPLATES: FuzzTarget = {
  name: 'templates',
  share: 10,
  groups: ['with variables', 'without variables', 'text'],
  prepare: () => (random) => {
    const parts = Array.from({ length: random.between(0, 4) }, () =>
      random.pick([...REFERENCES, ['a b', 'a b'] as const]),
    );
    const built = parts.map(([reference]) => reference).join('');
    const meant = parts.map(([, text]) => text).join('');
    const kind = random.between(0, 2);
    if (kind === 0) {
      const says = (text: string): Judgement => {
        const judged = judge(text);
        const isSaid = text !== built || fill(text) === meant;
        return { ...judged, violation: judged.violation ?? (isSaid ? undefined : 'says something else') };
      };
      return { text: built, judge: says };
    }
    const calls = `${built}${call(random)}${call(random)}`;
    return { text: kind === 1 ? calls : mutateText(calls, random, PIECES), judge };
  },
};
