#!/usr/bin/env node
// The process: refuses a Node.js that cannot be trusted with HTTP, then hands over to the command line. It sets the exit
// code and never ends the process itself: a server ends on SIGTERM or SIGINT, everything else when its work is done.

import { nodeFault } from './cli/node-version.ts';

const fault = nodeFault(process.versions.node);
if (fault === undefined) {
  try {
    const { runCommandLine } = await import('./cli/command-line.ts');
    process.exitCode = await runCommandLine(process.argv.slice(2));
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`tollgate: this is a bug: ${text}\n`);
    process.exitCode = 70;
  }
} else {
  process.stderr.write(`${fault}\n`);
  process.exitCode = 2;
}
