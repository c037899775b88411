#!/usr/bin/env node
// What npm links as `tollgate`: starts the compiled program. A checkout that has not been compiled says how to do that.

import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  process.stderr.write(
    'tollgate: this checkout has not been compiled. Run `npm run build` first, or without it: node src/main.ts\n',
  );
  process.exitCode = 2;
}
