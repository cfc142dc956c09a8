/** A row of `test/fixtures/verify-jwt-scenarios.tsv`; what is expected by `FAULT_CODES`. */
export interface ScenarioRow {
  readonly id: string;
  readonly given: string;
  readonly observed: string;
  readonly documented: string;
}

/** What a row's words say of the answer. */
export interface ScenarioExpectation {
  /** The fault's name (or a deployment error's); undefined: the token passes. */
  readonly code: string | undefined;
  /** The whole text, where the row has it. */
  readonly text: string | undefined;
  /** Parts of the text that the row names: `claim(exp)`. */
  readonly parts: readonly string[];
}

/** @param table the file's text */
export function scenarioRows(table: string): readonly ScenarioRow[] {
  const lines = table.trimEnd().split('\n').slice(1);
  return lines.map((line) => {
    const [id = '', given = '', observed = '', documented = ''] = line.split('\t');
    return { id, given, observed, documented };
  });
}

/** A code has humps (`InvalidToken`); `pass`, `HTTP 401` and what else is prose have none. */
const CODE = /^(?:refused \()?((?:[A-Z][a-z]+){2,})/;

/** Reads `InvalidClaim claim(exp)`, `InvalidToken Invalid token: policy(P)`, `pass (32 bytes)`. */
export function expectationOf(words: string): ScenarioExpectation {
  const [found = '', code] = CODE.exec(words) ?? [];
  const rest = words
    .slice(found.length)
    .replace(/^; faultstring/, '')
    .trim();
  const parts = [...rest.matchAll(/\b(?:claim|variable|algorithm)\([^)|]+\)/g)].map(([part]) => part);
  const isText = code !== undefined && /^[^.].*\bpolicy\(P\)/.test(rest);
  return { code, text: isText ? rest : undefined, parts };
}
