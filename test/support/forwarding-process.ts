// The server of forwarding.ts as a process of its own, for tests that starve it: `node forwarding-process.ts <origin>`.
// It prints its port, and ends when its input does.

import { startForwarding } from './forwarding.ts';

const proxy = await startForwarding({ origin: process.argv[2]! });
console.log(proxy.port);
process.stdin.on('close', () => process.exit(0)).resume();
