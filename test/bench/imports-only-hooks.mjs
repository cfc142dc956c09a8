// Of a program that is asked for with `?imports-only`, nothing but what it imports: it is there, and the program does not run.
const MARK = '?imports-only';

export async function load(url, context, nextLoad) {
  if (!url.endsWith(MARK)) return nextLoad(url, context);
  const loaded = await nextLoad(url.slice(0, -MARK.length), context);
  const lines = String(loaded.source).split('\n');
  return { ...loaded, source: lines.filter((line) => line.startsWith('import ')).join('\n') };
}
