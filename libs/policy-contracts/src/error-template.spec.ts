import fc from 'fast-check';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import {
  compileErrorTemplate,
  ERROR_TEMPLATE_PLACEHOLDERS,
  ERROR_TEMPLATE_VARIABLES,
  makesJson,
  unknownTemplateVariables,
} from './error-template.ts';

const fill = (template: string) => compileErrorTemplate(template)((name) => `<${name}>`);

describe('an error template', () => {
  it('takes the value of every variable and of the vendor’s placeholders', () => {
    for (const name of ERROR_TEMPLATE_VARIABLES)
      expect(fill(`a#{${name}}b#{ ${name} }c`)).toBe(`a<${name}>b<${name}>c`);
    expect(fill(ERROR_TEMPLATE_PLACEHOLDERS.join(' '))).toBe(
      [
        '<message.correlationId>',
        ...['<error.customizedErrorCode>', '<error.customizedMessage>', '<error.customizedMessage>'],
        ...['<error.customizedHttpCode>', '', ''],
      ].join(' '),
    );
  });

  it('leaves other text as it is, and an unknown variable empty', () => {
    expect(fill('# {a} #OTHER# $1 #{unknown} #FAULTCODE')).toBe('# {a} #OTHER# $1  #FAULTCODE');
    expect(unknownTemplateVariables('#{a} #{request.method} #{ b } #{a} #OTHER#')).toEqual(['a', 'b']);
  });

  it('stays JSON whatever a value holds', () => {
    const compiled = compileErrorTemplate('{"m":"#{error.defaultMessage}","s":#{error.defaultHttpCode}}');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const body = compiled((name) => (name === 'error.defaultMessage' ? text : '401'));
        expect(JSON.parse(body)).toEqual({ m: text, s: 401 });
      }),
    );
  });

  it('stays XML whatever a value holds, in text and in attributes', () => {
    const compiled = compileErrorTemplate('<e a="#{error.defaultMessage}">#{error.defaultMessage}</e>', 'xml');
    const parser = new XMLParser({
      ignoreAttributes: false,
      parseTagValue: false,
      parseAttributeValue: false,
      trimValues: false,
    });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const document = compiled(() => text);
        expect(XMLValidator.validate(document)).toBe(true);
        // What XML cannot hold, and line ends that it reads as others, aside.
        if (!/^[\u0020-\ud7ff]+$/.test(text)) return;
        expect(parser.parse(document)).toEqual({ e: { '#text': text, '@_a': text } });
      }),
    );
    expect(compiled(() => 'a\u0000b\ud800')).toBe('<e a="a\ufffdb\ufffd">a\ufffdb\ufffd</e>');
  });

  it.each([
    ['{"a":"#{request.uri}"}', true],
    ['{"a":#{error.customizedHttpCode}}', true],
    ['{"a":#FAULTSTATUSCODE#,"b":"#FAULTMESSAGE#"}', true],
    ['{"a":#{request.uri}}', false],
    ['{"a":#FAULTCODE#}', false],
    ['{"a":"#{request.uri}"', false],
    ['{"a":"\\u000#{request.uri}"}', false],
    ['', false],
  ])('%s gives JSON: %s', (template, expected) => {
    expect(makesJson(template)).toBe(expected);
  });
});
