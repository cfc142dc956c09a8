import { handedOn, isRecorded, newSpanId, newTraceId, parentOf, traceparentOf } from './trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('parentOf', () => {
  it.each([
    [`00-${TRACE}-${SPAN}-01`, true],
    [`00-${TRACE}-${SPAN}-00`, false],
    [`00-${TRACE}-${SPAN}-03`, true],
    // A later version may say more.
    [`01-${TRACE}-${SPAN}-01-what-comes-later`, true],
    [`cc-${TRACE}-${SPAN}-00`, false],
  ])('reads %s', (text, isSampled) => {
    expect(parentOf(text)).toEqual({ traceId: TRACE, spanId: SPAN, isSampled });
  });

  it.each([
    undefined,
    '',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-1`,
    ` 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
    `01-${TRACE}-${SPAN}-01x`,
  ])('takes %s for none', (text) => {
    expect(parentOf(text)).toBeUndefined();
  });
});

describe('new ids', () => {
  it('are different each time and read as what they are', () => {
    const ids = Array.from({ length: 2_000 }, () => [newTraceId(), newSpanId()] as const);
    expect(new Set(ids.map(([trace]) => trace)).size).toBe(2_000);
    expect(new Set(ids.map(([, span]) => span)).size).toBe(2_000);
    for (const [trace, span] of ids) expect(parentOf(traceparentOf(trace, span, true))?.spanId).toBe(span);
  });
});

describe('isRecorded', () => {
  it('records about the share of the traces that begin here, always the same ones', () => {
    const ids = Array.from({ length: 10_000 }, newTraceId);
    const recorded = ids.filter((id) => isRecorded(id, 0.2));
    expect(Math.abs(recorded.length / 10_000 - 0.2)).toBeLessThan(0.04);
    expect(recorded.every((id) => isRecorded(id, 0.3))).toBe(true);
    expect([isRecorded(TRACE, 0), isRecorded(TRACE, 1)]).toEqual([false, true]);
  });
});

describe('handedOn', () => {
  it('hands a tracestate on whole or not at all', () => {
    expect(handedOn('vendor=a,other=b')).toBe('vendor=a,other=b');
    expect([handedOn(`a=${'x'.repeat(511)}`), handedOn('a=\u0001'), handedOn(undefined)]).toEqual([
      ...[undefined, undefined, undefined],
    ]);
  });
});
