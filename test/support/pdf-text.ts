// What can be read in a PDF that Chromium has printed: its glyphs turned back into letters by the tables that it carries for
// whoever copies text out of it (ISO 32000-1 section 9.10.3, ToUnicode).

import { inflateSync } from 'node:zlib';

/** The text as each of the fonts would have it: what is written in one font can be read in one of them. */
export const textsOf = (pdf: Buffer): readonly string[] => {
  const streams = streamsOf(pdf);
  const glyphs = streams
    .filter((stream) => /\bT[jJ]\b/.test(stream))
    .flatMap((stream) => [...stream.matchAll(/<([0-9A-Fa-f]+)>/g)].map(([, hex = '']) => hex))
    .join('');
  return streams
    .filter((stream) => stream.includes('begincmap'))
    .map((table) => {
      const letters = lettersOf(table);
      return (glyphs.match(/.{4}/g) ?? [])
        .map((glyph) => letters.get(Number.parseInt(glyph, 16)) ?? '')
        .join('');
    });
};

const streamsOf = (pdf: Buffer): readonly string[] =>
  [...pdf.toString('latin1').matchAll(/[^d]stream\r?\n([^]*?)\r?\nendstream/g)].flatMap(([, bytes = '']) => {
    try {
      return [inflateSync(Buffer.from(bytes, 'latin1')).toString('latin1')];
    } catch {
      return [];
    }
  });

const lettersOf = (table: string): ReadonlyMap<number, string> => {
  const letters = new Map<number, string>();
  for (const [, lines = ''] of table.matchAll(/beginbfchar([^]*?)endbfchar/g))
    for (const [, glyph = '', letter = ''] of lines.matchAll(/<(\w+)> <(\w+)>/g))
      letters.set(Number.parseInt(glyph, 16), String.fromCodePoint(Number.parseInt(letter, 16)));
  for (const [, lines = ''] of table.matchAll(/beginbfrange([^]*?)endbfrange/g))
    for (const [, first = '', last = '', letter = ''] of lines.matchAll(/<(\w+)> <(\w+)> <(\w+)>/g)) {
      const from = Number.parseInt(first, 16);
      for (let glyph = from; glyph <= Number.parseInt(last, 16); glyph += 1)
        letters.set(glyph, String.fromCodePoint(Number.parseInt(letter, 16) + glyph - from));
    }
  return letters;
};
