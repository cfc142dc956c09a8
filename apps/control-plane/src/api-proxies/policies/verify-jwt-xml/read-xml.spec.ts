import { readXml } from './read-xml.ts';

describe('an XML document', () => {
  it.each(['hasOwnProperty', 'toString', 'valueOf', '__defineGetter__'])(
    'keeps the name of an element or attribute that every object answers to: %s',
    (name) => {
      const read = readXml(`<${name} ${name}="a"><${name}>b</${name}></${name}>`);
      expect(read).toMatchObject({ ok: true, root: { name, children: [{ name, text: 'b' }] } });
      expect(read.ok ? [...read.root.attributes] : []).toEqual([[name, 'a']]);
    },
  );

  it.each(['__proto__', 'constructor', 'prototype'])('has no element %s', (name) => {
    expect(readXml(`<a><${name}/></a>`)).toMatchObject({ ok: false });
  });
});
