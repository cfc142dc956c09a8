/** One segment of a path template: text to be equal, or a parameter between two texts. */
type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string; readonly before: string; readonly after: string };

export type PathParameters = ReadonlyMap<string, string>;

/** Percent-decodes; a text that is not valid stands as it is. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** What encodeURIComponent encodes although a segment may hold it (RFC 3986 section 3.3: pchar). */
const NEEDLESS = /%(?:40|3A|24|26|2B|2C|3B|3D)/g;

/** Percent-encodes a decoded segment: one spelling per value. */
export const encodeSegment = (segment: string): string =>
  encodeURIComponent(segment).replace(NEEDLESS, (escape) => decodeURIComponent(escape));

function segmentOf(text: string): Segment | undefined {
  const found = /^([^{}]*)\{([^{}]+)\}([^{}]*)$/.exec(text);
  if (found !== null) {
    const [, before = '', name = '', after = ''] = found;
    return { kind: 'parameter', name, before: decodeSegment(before), after: decodeSegment(after) };
  }
  return /[{}]/.test(text) ? undefined : { kind: 'literal', text: decodeSegment(text) };
}

/**
 * Servers with path parameters (RFC 3986 section 3.3) take `admin;x` for `admin`: the policies of a literal segment must not
 * be passed by in favour of those of a parameter.
 */
const means = (actual: string, literal: string): boolean =>
  actual === literal || (actual.startsWith(literal) && actual[literal.length] === ';');

function valueIn(actual: string, { before, after }: { before: string; after: string }): string | undefined {
  if (actual.length <= before.length + after.length) return undefined;
  if (!actual.startsWith(before) || !actual.endsWith(after)) return undefined;
  const value = actual.slice(before.length, actual.length - after.length);
  // A parameter must not become a step up in the upstream's path.
  return value === '.' || value === '..' ? undefined : value;
}

/** `/users/{id}`, compiled. Segments are compared decoded; a parameter is one segment, or a part of one. */
export class PathTemplate {
  readonly parameterNames: readonly string[];
  readonly segmentCount: number;
  private readonly segments: readonly Segment[];

  private constructor(segments: readonly Segment[]) {
    this.segments = segments;
    this.segmentCount = segments.length;
    this.parameterNames = segments.flatMap((segment) => (segment.kind === 'parameter' ? [segment.name] : []));
  }

  /** undefined when a segment has more than one parameter or a brace that belongs to none. */
  static parse(template: string): PathTemplate | undefined {
    const segments = PathTemplate.split(template).map(segmentOf);
    const whole = segments.filter((segment) => segment !== undefined);
    return whole.length === segments.length ? new PathTemplate(whole) : undefined;
  }

  /** Segments of a path, still encoded; no path is the same as `/`. */
  static split(path: string): string[] {
    return (path.startsWith('/') ? path.slice(1) : path).split('/');
  }

  /** The parameters, decoded; undefined when the path is another. `decoded` has `segmentCount` items. */
  match(decoded: readonly string[]): PathParameters | undefined {
    const parameters = new Map<string, string>();
    for (const [index, segment] of this.segments.entries()) {
      const actual = decoded[index] ?? '';
      if (segment.kind === 'literal') {
        if (!means(actual, segment.text)) return undefined;
        continue;
      }
      const value = valueIn(actual, segment);
      if (value === undefined) return undefined;
      parameters.set(segment.name, value);
    }
    return parameters;
  }

  /** The path with its parameters filled in, encoded. */
  fill(parameters: PathParameters): string {
    const filled = this.segments.map((segment) =>
      segment.kind === 'literal'
        ? segment.text
        : `${segment.before}${parameters.get(segment.name) ?? ''}${segment.after}`,
    );
    return `/${filled.map(encodeSegment).join('/')}`;
  }

  /** Below 0: this one is asked first. The first difference decides: literal, then part of a segment, then all of it. */
  compareTo(other: PathTemplate): number {
    const rank = (segment: Segment | undefined): number => {
      if (segment === undefined || segment.kind === 'literal') return 0;
      return segment.before === '' && segment.after === '' ? 2 : 1;
    };
    for (const [index, segment] of this.segments.entries()) {
      const difference = rank(segment) - rank(other.segments[index]);
      if (difference !== 0) return difference;
    }
    return 0;
  }
}
