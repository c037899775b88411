// How the pages of the console are built: one entry, every file with a hash in its name, nothing inlined (the
// Content-Security-Policy refuses that). The surface replaces `./assets/` in index.html by the console's own prefix.

import { join } from 'node:path';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  publicDir: false,
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: join(import.meta.dirname, '../../dist/console'),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The browsers of the summer of 2024: they know `light-dark()` and <dialog>.
    target: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
  },
});
