/** As V8 writes it (`--cpu-prof`); times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  readonly startTime: number;
  readonly endTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Calls of one function from one stack, merged. */
interface Frame {
  readonly name: string;
  readonly kind: Kind;
  micros: number;
  readonly callees: Map<string, Frame>;
}

const COLOURS = { ours: '#e8a33d', package: '#8fb573', node: '#7fa7d6', engine: '#c9c9c9' } as const;
type Kind = keyof typeof COLOURS;
/** The event loop waiting for something to do. */
const NO_WORK = new Set(['(idle)', '(program)']);
const [WIDTH, ROW_HEIGHT, HEAD_HEIGHT, CHAR_WIDTH, LEAST_WIDTH] = [1_200, 17, 44, 6.4, 0.4];

function kindOf(url: string): Kind {
  if (url === '') return 'engine';
  if (url.startsWith('node:')) return 'node';
  return url.includes('/node_modules/') ? 'package' : 'ours';
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const place = url.replace(/^file:\/\/.*?\/(dist|node_modules)\//, '');
  return `${name} ${place}:${lineNumber + 1}`;
}

/** The tree of what ran in the last so many milliseconds of a profile; waiting is left out. */
function framesOf(profile: CpuProfile, lastMs: number): Frame {
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const root: Frame = { name: 'all', kind: 'engine', micros: 0, callees: new Map() };
  let atMicros = profile.startTime;
  for (const [index, sample] of profile.samples.entries()) {
    const tookMicros = profile.timeDeltas[index + 1] ?? 0;
    atMicros += profile.timeDeltas[index] ?? 0;
    if (atMicros < profile.endTime - lastMs * 1_000) continue;
    const stack: CpuProfile['nodes'][number][] = [];
    for (let id: number | undefined = sample; id !== undefined; id = parents.get(id)) stack.unshift(nodes.get(id)!);
    if (NO_WORK.has(stack.at(-1)?.callFrame.functionName ?? '')) continue;
    addStack(root, stack.slice(1), tookMicros);
  }
  return root;
}

function addStack(root: Frame, stack: CpuProfile['nodes'], micros: number): void {
  root.micros += micros;
  let frame = root;
  for (const { callFrame } of stack) {
    const name = nameOf(callFrame);
    let callee = frame.callees.get(name);
    if (callee === undefined) {
      callee = { name, kind: kindOf(callFrame.url), micros: 0, callees: new Map() };
      frame.callees.set(name, callee);
    }
    callee.micros += micros;
    frame = callee;
  }
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

function drawn(frame: Frame, left: number, depth: number, scale: number): string[] {
  const width = frame.micros * scale;
  if (width < LEAST_WIDTH) return [];
  const top = HEAD_HEIGHT + depth * ROW_HEIGHT;
  const share = ((width / WIDTH) * 100).toFixed(1);
  const letters = Math.floor((width - 6) / CHAR_WIDTH);
  const label =
    letters < 3
      ? ''
      : `<text x="${(left + 3).toFixed(1)}" y="${top + 12}">${escaped(frame.name.slice(0, letters))}</text>`;
  const box = `<rect x="${left.toFixed(1)}" y="${top}" width="${width.toFixed(1)}" height="${ROW_HEIGHT - 1}" fill="${COLOURS[frame.kind]}"/>`;
  const mine = `<g><title>${escaped(frame.name)} ${share} %</title>${box}${label}</g>`;
  const shapes = [mine];
  let at = left;
  for (const callee of [...frame.callees.values()].sort((one, other) => (one.name < other.name ? -1 : 1))) {
    shapes.push(...drawn(callee, at, depth + 1, scale));
    at += callee.micros * scale;
  }
  return shapes;
}

const depthOf = (frame: Frame, least: number): number =>
  1 +
  Math.max(0, ...[...frame.callees.values()].filter(({ micros }) => micros > least).map((one) => depthOf(one, least)));

/** A flame graph as SVG: callers above, width is time. @param lastMs how much of the profile's end it is of */
export function flameGraphSvg(profile: CpuProfile, lastMs: number, title: string): string {
  const root = framesOf(profile, lastMs);
  const scale = WIDTH / root.micros;
  const height = HEAD_HEIGHT + depthOf(root, LEAST_WIDTH / scale) * ROW_HEIGHT + 8;
  const legend = 'orange: the gateway; blue: Node; green: packages; grey: engine, system calls and garbage collection';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="10.5">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="4" y="16" font-size="14">${escaped(title)}</text><text x="4" y="34">${escaped(legend)}</text>`,
    ...drawn(root, 0, 0, scale),
    '</svg>\n',
  ].join('\n');
}
