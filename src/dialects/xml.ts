// The little XML that the legacy paths speak: elements with attributes, and elements inside. Everything is escaped here;
// nothing is ever parsed.

const namespace = 'http://www.vmware.com/vcloud/v1.5';
const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

export const xmlMediaType = (kind: 'error' | 'session'): string =>
  `application/vnd.vmware.vcloud.${kind}+xml;charset=utf-8`;

export type Attributes = Readonly<Record<string, string>>;

/** A whole document of one element in the vendor's namespace. */
export const element = (name: string, attributes: Attributes, children: readonly string[] = []): string =>
  `${declaration}${inner(name, { xmlns: namespace, ...attributes }, children)}\n`;

/** An element inside another. */
export const inner = (name: string, attributes: Attributes, children: readonly string[] = []): string => {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  const start = `<${name}${written.join('')}`;
  return children.length === 0 ? `${start}/>` : `${start}>\n  ${children.join('\n  ')}\n</${name}>`;
};

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** XML 1.0 section 2.2: most control characters, and halves of surrogate pairs, cannot stand in XML however written. */
const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[\0-\x1f\x7f\ufffe\uffff]/g, '\ufffd')
    .replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
