/** A segment with one `{parameter}` in it, between two texts. */
const PARAMETER = /^([^{}]*)\{([^{}]+)\}([^{}]*)$/;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const segmentsOf = (template: string): string[] => template.replace(/^\//, '').split('/');

/** The parameters of a path template, in order; undefined: a segment has several, or a brace that belongs to none. */
export function templateParameters(template: string): string[] | undefined {
  const names: string[] = [];
  for (const segment of segmentsOf(template)) {
    const name = PARAMETER.exec(segment)?.[2];
    if (name !== undefined) names.push(name);
    else if (/[{}]/.test(segment)) return undefined;
  }
  return names;
}

/**
 * What a template matches, without the names of its parameters: `/users/{id}` and `/users/{name}` have one shape, and no
 * gateway could ever tell them apart. Segments are compared decoded, as gateways compare them.
 */
export const templateShape = (template: string): string =>
  JSON.stringify(
    segmentsOf(template).map((segment) => {
      const [, before, name, after] = PARAMETER.exec(segment) ?? [];
      return name === undefined ? decoded(segment) : [decoded(before ?? ''), decoded(after ?? '')];
    }),
  );
