/** Asked for by a header, so that the same proxy also answers as it would without. */
export const SHOW_HEADER = 'x-show';
const SHOWS = `request.header.${SHOW_HEADER} = "variables"`;
const IN_FLOW = 200;
const IN_FAULT = 299;

interface Look {
  readonly name: string;
  readonly statusCode: number;
  readonly condition: string;
}

const look = ({ name, ...members }: Look, variables: readonly string[]) => ({
  name,
  policy: {
    type: 'policy-raise-fault',
    ...members,
    contentType: 'text/plain',
    payload: variables.map((variable) => `${variable}={${variable}}`).join('\n'),
  },
});

/**
 * Policies that answer with flow variables where the request would go on to the upstream, and where it failed: what a
 * policy of the flow sees, seen from outside.
 */
export const showingPolicies = (variables: readonly string[]) => ({
  request: look({ name: 'show-flow', statusCode: IN_FLOW, condition: SHOWS }, variables),
  // What `show-flow` raised is the answer already.
  error: look(
    { name: 'show-fault', statusCode: IN_FAULT, condition: `${SHOWS} and fault.name != "RaiseFault"` },
    variables,
  ),
});

export interface ShownVariables {
  readonly isFault: boolean;
  /** Text by name; empty is null or the empty text. */
  readonly values: Readonly<Record<string, string>>;
}

export function shownIn(answer: { readonly status: number; readonly body: string }): ShownVariables {
  if (answer.status !== IN_FLOW && answer.status !== IN_FAULT) throw new Error(`${answer.status}: ${answer.body}`);
  const pairs = answer.body.split('\n').map((line) => {
    const at = line.indexOf('=');
    return [line.slice(0, at), line.slice(at + 1)] as const;
  });
  return { isFault: answer.status === IN_FAULT, values: Object.fromEntries(pairs) };
}
