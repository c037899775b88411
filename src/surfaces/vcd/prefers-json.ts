// Which of the two formats of the vendor's older API a request asks for. Accept lines look like
// `application/*+xml;version=36.0`, `application/*;version=36.0`, or a list with `application/*+json;version=36.0` first.

import type { RequestHead } from '../answer.ts';

/** XML, the older API's own format, unless the request accepts JSON and no XML. */
export const prefersJson = (request: Pick<RequestHead, 'headerLines'>): boolean => {
  const ranges = request
    .headerLines('accept')
    .flatMap((line) => line.split(','))
    .map((range) => range.split(';', 1)[0]?.trim().toLowerCase() ?? '');
  return ranges.some((range) => /[/+]json$/.test(range)) && !ranges.some((range) => /[/+]xml$/.test(range));
};
