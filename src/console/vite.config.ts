// How the pages of the console are built: one entry, every file with a hash in its name, nothing inlined (the
// Content-Security-Policy refuses that), each beside its compressed forms. The surface replaces `./assets/` in index.html by
// the console's own prefix.

import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const compressedBytesMin = 512;

/** `name.br` and `name.gz` beside each file of assets/ that is worth it. */
const compress = (): Plugin => {
  let outDir = '';
  return {
    name: 'compress',
    apply: 'build',
    configResolved: ({ root, build }) => {
      outDir = resolve(root, build.outDir);
    },
    closeBundle: () => {
      for (const name of globSync('assets/*.{js,css,svg}', { cwd: outDir })) {
        const file = join(outDir, name);
        const bytes = readFileSync(file);
        if (bytes.length < compressedBytesMin) continue;
        const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
        writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }));
        writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
      }
    },
  };
};

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  publicDir: false,
  logLevel: 'warn',
  plugins: [compress()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The browsers of the summer of 2024: they know `light-dark()` and <dialog>.
    target: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
  },
});
