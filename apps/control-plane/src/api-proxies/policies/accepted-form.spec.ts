import { acceptedForm } from './accepted-form.ts';

describe('the form an Accept header asks for', () => {
  it.each([
    [undefined, 'json'],
    ['', 'json'],
    ['*/*', 'json'],
    ['application/json', 'json'],
    ['application/*', 'json'],
    ['application/xml', 'xml-only'],
    ['text/xml', 'xml-only'],
    ['Application/XML; charset=utf-8', 'xml-only'],
    ['application/xml, application/json', 'json'],
    ['application/xml, application/json;q=0.9', 'xml'],
    ['application/xml;q=0.5, application/json', 'json'],
    ['application/xml, */*;q=0.1', 'xml'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'xml'],
    ['application/xml;q=0, */*', 'json'],
    ['application/json;q=0, application/xml', 'xml-only'],
    ['application/xml;q=nonsense', 'json'],
    ['text/html', 'json'],
  ])('of %j is %s', (accept, form) => {
    expect(acceptedForm(accept)).toBe(form);
  });
});
