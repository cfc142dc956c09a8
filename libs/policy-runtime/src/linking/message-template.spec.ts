import fc from 'fast-check';
import { compactText, readExactly } from '../exact-json/exact-json.ts';
import { exchangeFor, linked, NOW_MS } from '../testing/artifacts.ts';
import { compileMessageTemplate, templateVariables } from './message-template.ts';

const proxy = linked({});
const VALUES: Readonly<Record<string, string>> = {
  alpha: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  seven: '7',
  empty: '',
  header: 'Bearer ABC-9993',
  regex1: '^Bearer ',
  'my-var.x': 'x',
  food: '"bread" & <butter>',
  epoch: '1494390266',
  epochMs: '1494390266000',
  zoned: "yyyy-MM-dd'T'HH:mm:ss.SSSZ 'o''clock'",
  people:
    '{"results":[{"name":"Fred","zip":98072.0,"a":{"b":1}},{"name":"Mae","zip":60613,"tags":["x","y"]}],"n":null}',
};

function fill(template: string): string {
  const exchange = exchangeFor(proxy);
  for (const [name, value] of Object.entries(VALUES)) exchange.setVariable(name, value);
  exchange.publishToken('My Policy', (name) => ({ 'claim.https://ns.example/x': 'ns', 'claim.sub': 'alice' })[name]);
  return compileMessageTemplate(template)(exchange);
}

describe('references', () => {
  it.each([
    ['hello {seven}', 'hello 7'],
    ['{seven}{seven}', '77'],
    ['{my-var.x}', 'x'],
    ['{absent}', ''],
    ['{absent:Unknown user}', 'Unknown user'],
    ['{seven:Unknown}', '7'],
    ['{empty:Unknown}', ''],
    ['{absent:}', ''],
    ['{absent:a:b}', 'a:b'],
    ['{absent:https}://{absent:google.com}/path', 'https://google.com/path'],
    ['{jwt.My Policy.claim.sub}', 'alice'],
    ['{jwt.My Policy.claim.https://ns.example/x}', 'ns'],
    ['{jwt.My Policy.claim.https://ns.example/y:none}', 'none'],
  ])('%s is %s', (template, text) => {
    expect(fill(template)).toBe(text);
  });

  it.each([
    '{ seven }',
    '{\n"a":1}',
    '{"a":{"b":[1,{"c":2}]}}',
    '{}',
    '{',
    '}',
    '{seven',
    '{1}',
    '{a,b}',
    '{noSuchFunction(seven)}',
    '{xPath(seven,seven)}',
    '{toString()}',
    '{toUpperCase( seven )}',
    '{toUpperCase(seven) }',
    '{toUpperCase()}',
    '{toUpperCase(seven,seven)}',
    '{toUpperCase(toLowerCase(seven))}',
    '{toUpperCase("seven")}',
    "{toUpperCase('seven)}",
    '{substring(alpha,22',
    '{createUuid(seven)}',
  ])('%j stays as it is', (template) => {
    expect(fill(template)).toBe(template);
    expect(templateVariables(template)).toEqual([]);
  });

  it('reads a reference within braces that are text', () => {
    expect(fill('{{seven}}')).toBe('{7}');
    expect(fill('{"a":{"b":"{seven}"}}')).toBe('{"a":{"b":"7"}}');
    expect(fill('{a {seven}')).toBe('{a 7');
  });

  it('names the variables, those of functions included', () => {
    const template = "{a.b}{c:x}{substring(d,e,-1)}{replaceAll(f,'{g}',h:y)}{createUuid()}{ i }{jwt.P.claim.https://j}";
    expect(templateVariables(template)).toEqual(['a.b', 'c', 'd', 'e', 'f', 'h', 'jwt.P.claim.https://j']);
  });

  it('takes a template apart without losing anything', () => {
    const piece = fc.constantFrom('{', '}', '(', ')', "'", ',', 'toUpperCase', 'a', ':', ' ', '{seven}', '"', '-1');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (parts) => {
        const template = parts.join('');
        const filled = fill(template);
        if (templateVariables(template).length === 0 && !template.includes('(')) expect(filled).toBe(template);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('functions', () => {
  // Values of Apigee's own reference where it has some.
  it.each([
    ['{substring(alpha,22)}', 'WXYZ'],
    ['{substring(alpha,-4)}', 'WXYZ'],
    ['{substring(alpha,-8,-4)}', 'STUV'],
    ['{substring(alpha,0,10)}', 'ABCDEFGHIJ'],
    ['{substring(alpha,0,seven)}', 'ABCDEFG'],
    ['{substring(alpha,1,-1)}', 'BCDEFGHIJKLMNOPQRSTUVWXY'],
    ['{substring(alpha,20,99)}', 'UVWXYZ'],
    ['{substring(alpha,header)}', ''],
    ['{substring(absent,1)}', ''],
    ['{toUpperCase(jwt.My Policy.claim.sub)}', 'ALICE'],
    ['{toUpperCase(jwt.My Policy.claim.https://ns.example/x)}', 'NS'],
    ["{firstnonnull(jwt.My Policy.claim.absent:none,'x')}", 'none'],
    ["{replaceAll(header,'9993','')}", 'Bearer ABC-'],
    ["{replaceAll(header,regex1,'')}", 'ABC-9993'],
    ["{replaceAll('BEARER: 1234','^BEARER: ','TOKEN')}", 'TOKEN1234'],
    ["{replaceAll(header,'9','$1')}", 'Bearer ABC-$1$1$13'],
    ["{replaceFirst(header,'9','x')}", 'Bearer ABC-x993'],
    ["{replaceAll(header,'(?=B)','x')}", 'Bearer ABC-9993'],
    ['{replaceAll(header,alpha,seven)}', 'Bearer ABC-9993'],
    ['{firstnonnull(absent,seven)}', '7'],
    ['{firstnonnull(empty,seven)}', ''],
    ["{firstnonnull(absent,absent,'fallback value')}", 'fallback value'],
    ['{firstnonnull(absent)}', ''],
    ['{toLowerCase(alpha)}', 'abcdefghijklmnopqrstuvwxyz'],
    ['{toLowerCase(absent:FOO)}', 'foo'],
    ["{toUpperCase('straße')}", 'STRASSE'],
    ["{encodeBase64('abc')}", 'YWJj'],
    ["{decodeBase64('aGVsbG8sIHdvcmxk')}", 'hello, world'],
    ["{decodeBase64('d29ybGQK')}", 'world\n'],
    ["{decodeBase64('_-8')}", ''],
    ["{decodeBase64('YQ=')}", ''],
    ["{sha256Hex('abc')}", 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    ["{sha256Base64('abc')}", 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='],
    ["{md5Hex('abc')}", '900150983cd24fb0d6963f7d28e17f72'],
    ["{md5Base64('abc')}", 'kAFQmDzST7DWlj99KOF/cg=='],
    ["{sha1Hex('abc')}", 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ["{sha1Base64('abc')}", 'qZk+NkcGgWq6PiVxeFDCbJzQ2J0='],
    [
      "{substring('x',0)}{sha384Hex('abc')}",
      `x${'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163'}${'1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7'}`,
    ],
    [
      "{sha512Base64('abc')}",
      '3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==',
    ],
    // RFC 4231, test case 2.
    [
      "{hmacSha256('Jefe','what do ya want for nothing?','utf-8','hex')}",
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      "{hmacSha256('4a656665','what do ya want for nothing?','HEX','base16')}",
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    ["{hmacSha256('Jefe','what do ya want for nothing?')}", 'W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM='],
    ["{hmacSha256('Jefe','x','utf-8','utf-8')}", ''],
    ["{hmacSha256('Jefe','x','rot13')}", ''],
    ['{escapeJSON(food)}', '\\"bread\\" & <butter>'],
    ['{escapeXML(food)}', '&quot;bread&quot; &amp; &lt;butter&gt;'],
    ["{encodeHTML('a&b<c>')}", 'a&amp;b&lt;c&gt;'],
    ["{timeFormat('yyyy-MM-dd',epoch)}", '2017-05-10'],
    ["{timeFormatUTC('yyyy-MM-dd HH-mm-ss',epoch)}", '2017-05-10 04-24-26'],
    ["{timeFormatUTC('yyyyMMddHHmmss',epoch)}", '20170510042426'],
    ["{timeFormatMs('yyyy-MM-dd',epochMs)}", '2017-05-10'],
    ["{timeFormatUTCMs('yyyyMMdd',system.timestamp)}", '20231114'],
    ['{timeFormatUTCMs(zoned,epochMs)}', "2017-05-10T04:24:26.000+0000 o'clock"],
    ["{timeFormatUTC('EEE, d MMM yy h:mm a z',epoch)}", 'Wed, 10 May 17 4:24 AM UTC'],
    ["{timeFormatUTC('EEEE MMMM D u k K X',epoch)}", 'Wednesday May 130 3 4 4 Z'],
    ["{timeFormatUTC('yyyy Q',epoch)}", ''],
    ["{timeFormatUTC('yyyy',alpha)}", ''],
    ["{jsonPath('$.results[1].name',people)}", 'Mae'],
    ["{jsonPath('$.results[-1].zip',people)}", '60613'],
    ["{jsonPath('$.results[0].zip',people)}", '98072.0'],
    [`{jsonPath('$["results"][0].a',people)}`, '{"b":1}'],
    ["{jsonPath('$.results[*].name',people)}", 'Fred'],
    ["{jsonPath('$.results[*].name',people,true)}", '["Fred","Mae"]'],
    ["{jsonPath('$.results[1].tags',people)}", 'x'],
    ["{jsonPath('$.results[1].tags',people,true)}", '["x","y"]'],
    ["{jsonPath('$.results[1].name',people,true)}", 'Mae'],
    [`{jsonPath('$.results[?(@.name == "Mae")].zip',people)}`, '60613'],
    [`{jsonPath('$.results[?(@.zip==98072)].name',people,true)}`, '["Fred"]'],
    [`{jsonPath('$.results[?(@.name!="Mae")].name',people,true)}`, '["Fred"]'],
    ["{jsonPath('$.results[?(@.a.b)].name',people)}", 'Fred'],
    ["{jsonPath('$.n',people)}", 'null'],
    ["{jsonPath('$.absent',people)}", ''],
    ["{jsonPath('$.results[?(@.x)]',people,true)}", ''],
    ["{jsonPath('$..name',people)}", ''],
    ["{jsonPath('name',people)}", ''],
    ["{jsonPath('$.a',header)}", ''],
    ["{jsonPath('$.a',absent)}", ''],
  ])('%s is %j', (template, text) => {
    expect(fill(template)).toBe(text);
  });

  it('escapes for both versions of XML', () => {
    const control = "it's \u0000\u0001\u007f";
    const exchange = exchangeFor(proxy);
    exchange.setVariable('v', control);
    const of = (name: string) => compileMessageTemplate(`{${name}(v)}`)(exchange);
    expect(of('escapeXML')).toBe('it&apos;s &#127;');
    expect(of('escapeXML11')).toBe('it&apos;s &#1;&#127;');
    expect(of('encodeHTML')).toBe('it&#39;s \u0000\u0001\u007f');
    expect(JSON.parse(`"${of('escapeJSON')}"`)).toBe(control);
  });

  it('makes another identifier and another number each time', () => {
    const uuids = [fill('{createUuid()}'), fill('{createUuid()}')];
    expect(uuids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(uuids[0]).not.toBe(uuids[1]);
    expect(fill('{randomLong()}')).toMatch(/^\d{1,19}$/);
    expect(BigInt(fill('{randomLong(9000000000000000000)}'))).toBeGreaterThanOrEqual(9_000_000_000_000_000_000n);
    const small = new Set(Array.from({ length: 200 }, () => fill('{randomLong(4,6)}')));
    expect([...small].sort()).toEqual(['4', '5', '6']);
    expect(fill('{randomLong(-3,-3)}')).toBe('-3');
    expect(fill('{randomLong(6,4)}')).toBe('');
    expect(fill('{randomLong(alpha)}')).toBe('');
  });

  it('reads no document that nests too deep, and no expression that is too long', () => {
    const exchange = exchangeFor(proxy);
    exchange.setVariable('deep', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    exchange.setVariable('brackets', `{"a":${JSON.stringify('['.repeat(100))}}`);
    exchange.setVariable('long', 'a'.repeat(257));
    const of = (template: string) => compileMessageTemplate(template)(exchange);
    expect(of("{jsonPath('$.a',deep)}")).toBe('');
    expect(of("{jsonPath('$.a',brackets)}")).toBe('['.repeat(100));
    expect(of("{replaceAll(long,long,'')}")).toBe('a'.repeat(257));
    expect(of(`{replaceAll(long,'${'a'.repeat(257)}','')}`)).toBe('');
  });

  it('makes nothing of a result that a replacement multiplies beyond measure', () => {
    const exchange = exchangeFor(proxy);
    exchange.setVariable('body', 'ab'.repeat(1024));
    const resultOf = (length: number): string => {
      exchange.setVariable('value', 'x'.repeat(length));
      return compileMessageTemplate("{replaceAll(body,'a',value)}")(exchange);
    };
    expect(resultOf(4095)).toHaveLength(4096 * 1024);
    expect(resultOf(4096)).toBe('');
  });

  it('looks at a document of any text in time linear to it', () => {
    const exchange = exchangeFor(proxy);
    exchange.setVariable('hostile', `"${'\\"'.repeat(300_000)}`);
    expect(compileMessageTemplate("{jsonPath('$.a',hostile)}")(exchange)).toBe('');
    exchange.setVariable('escapes', JSON.stringify({ a: '"\\'.repeat(100_000) }));
    expect(compileMessageTemplate("{jsonPath('$.a',escapes)}")(exchange)).toHaveLength(200_000);
    expect(compactText(readExactly('["\\u2028"]'))).toBe('["\u2028"]');
  });
});

it('has the time of the pipeline in templates', () => {
  expect(fill('{system.timestamp}')).toBe(String(NOW_MS));
});
