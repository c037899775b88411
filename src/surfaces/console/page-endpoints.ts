// The console's pages: one document for every path that a person may stand on, and the files it is made of.

import { type Answer, denied, type Endpoint, permitted, type SurfaceRequest } from '../answer.ts';
import { type Encoding, readStaticFiles, type StaticFile } from './static-files.ts';

/** `folder`: what the build has made; `prefix`: of the console. */
export const pageEndpoints = (
  folder: string,
  prefix: string,
): { readonly page: Endpoint; readonly asset: Endpoint } => {
  const files = readStaticFiles(folder);
  const index = files?.get('index.html');
  const document = index === undefined ? undefined : placed(index, prefix);
  const fileOf = (request: SurfaceRequest): StaticFile | undefined =>
    files?.get(request.path.slice(prefix.length + 1));
  return {
    page: (request) => {
      if (request.path === prefix) return seeOther(request, `${prefix}/`);
      const file = fileOf(request);
      if (file !== undefined && file !== index) return fileAnswer(request, file, 'no-cache');
      return document === undefined
        ? nothing('The pages of the console are not in this installation. Build them: npm run build')
        : { ...bodyAnswer(document), headers: { 'cache-control': 'no-store' } };
    },
    asset: (request) => {
      const file = fileOf(request);
      return file === undefined
        ? nothing('There is no such file.')
        : fileAnswer(request, file, 'public, max-age=31536000, immutable');
    },
  };
};

/** Its files by their full paths: a page may stand at any depth. */
const placed = (index: StaticFile, prefix: string): StaticFile => {
  const bytes = Buffer.from(index.bytes.toString('utf8').replaceAll('="./', `="${prefix}/`));
  return { ...index, bytes, compressed: {} };
};

const bodyAnswer = ({ bytes, mediaType }: Pick<StaticFile, 'bytes' | 'mediaType'>): Answer => ({
  status: 200,
  headers: {},
  body: bytes,
  mediaType,
  note: permitted(undefined),
});

const fileAnswer = (request: SurfaceRequest, file: StaticFile, cacheControl: string): Answer => {
  const headers = { 'cache-control': cacheControl, etag: file.etag, vary: 'accept-encoding' };
  const known = request.headerLines('if-none-match').join(',');
  if (known !== '' && known.split(',').some((one) => one.trim() === file.etag))
    return { status: 304, headers, body: undefined, note: permitted(undefined) };
  const encoding = encodingFor(request, file);
  const compressed = encoding === undefined ? undefined : file.compressed[encoding];
  return encoding === undefined || compressed === undefined
    ? { ...bodyAnswer(file), headers }
    : {
        ...bodyAnswer({ ...file, bytes: compressed }),
        headers: { ...headers, 'content-encoding': encoding },
      };
};

/** RFC 9110 section 12.5.3: one that the browser names, and not with a weight of 0. */
const encodingFor = (request: SurfaceRequest, { compressed }: StaticFile): Encoding | undefined => {
  const accepted = request.headerLines('accept-encoding').join(',').toLowerCase().split(',');
  return (['br', 'gzip'] as const).find(
    (encoding) =>
      compressed[encoding] !== undefined &&
      accepted.some((one) => {
        const [name = '', ...parameters] = one.split(';').map((part) => part.trim());
        return name === encoding && !parameters.some((part) => /^q=0(?:\.0{0,3})?$/.test(part));
      }),
  );
};

const seeOther = ({ query }: SurfaceRequest, path: string): Answer => ({
  status: 308,
  headers: { location: query === '' ? path : `${path}?${query}`, 'cache-control': 'no-store' },
  body: undefined,
  note: permitted(undefined),
});

const nothing = (sentence: string): Answer => ({
  status: 404,
  headers: { 'cache-control': 'no-store' },
  body: `${sentence}\n`,
  mediaType: 'text/plain; charset=utf-8',
  note: denied('route_unknown', undefined),
});
