// The server of forwarding.ts as a process of its own, for tests that starve it: `node forwarding-process.ts <origin>`.
// It prints its port, and its resident memory in bytes for every line it is sent.

import { createInterface } from 'node:readline';
import { startForwarding } from './forwarding.ts';

const proxy = await startForwarding({ origin: process.argv[2]! });
console.log(proxy.port);
createInterface({ input: process.stdin })
  .on('line', () => console.log(process.memoryUsage().rss))
  .on('close', () => process.exit(0));
