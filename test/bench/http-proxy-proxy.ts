// What most Node gateways are made of: http-proxy with a keep-alive agent, and nothing else.

import { Agent, createServer, type ServerResponse } from 'node:http';
import httpProxy from 'http-proxy';

const [listenPort, upstreamPort] = process.argv.slice(2).map(Number);
const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${upstreamPort}`,
  agent: new Agent({ keepAlive: true, maxSockets: 256 }),
});
proxy.on('error', (_error, _request, response) => {
  (response as ServerResponse).writeHead(502).end();
});
createServer((request, response) => proxy.web(request, response)).listen(listenPort, '127.0.0.1');
