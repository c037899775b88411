// The files of the console's pages, as the build has left them: read once, held in memory, found by their exact names. What
// is not in the table is not there, whatever a path says.

import { hash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';

export interface StaticFile {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly etag: string;
  /** The same bytes, compressed by the build; undefined: they are not. */
  readonly compressed: Readonly<Partial<Record<Encoding, Buffer>>>;
}

export type Encoding = 'br' | 'gzip';

const endings: Readonly<Record<Encoding, string>> = { br: '.br', gzip: '.gz' };
const filesMax = 500;
const bytesMax = 16 * 1024 * 1024;

/** By their names below the folder, with slashes. Undefined where there is no index.html. */
export const readStaticFiles = (folder: string): ReadonlyMap<string, StaticFile> | undefined => {
  if (!existsSync(join(folder, 'index.html'))) return undefined;
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  if (names.length > filesMax) throw new Error(`${folder} has more than ${filesMax} files`);
  const files = new Map<string, StaticFile>();
  let total = 0;
  for (const name of names) {
    const mediaType = mediaTypes[extname(name)];
    if (mediaType === undefined || name.startsWith('.')) continue;
    const bytes = readFileSync(join(folder, name));
    const compressed: Partial<Record<Encoding, Buffer>> = {};
    for (const encoding of ['br', 'gzip'] as const)
      if (names.includes(name + endings[encoding]))
        compressed[encoding] = readFileSync(join(folder, name + endings[encoding]));
    total += bytes.length;
    if (total > bytesMax) throw new Error(`the files in ${folder} have more than ${bytesMax} bytes`);
    files.set(name, { mediaType, bytes, etag: etagOf(bytes), compressed });
  }
  return files;
};

/** Weak: of the bytes and of what they are compressed to. */
const etagOf = (bytes: Buffer): string => `W/"${hash('sha256', bytes, 'base64url').slice(0, 27)}"`;

/** No other file is served. */
const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
};
