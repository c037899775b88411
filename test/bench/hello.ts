// The least that Node's HTTP server can do: what a decision at the forward-auth door is measured by.

import { createServer } from 'node:http';

createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '5' });
  response.end('hello');
}).listen(Number(process.argv[2]), '127.0.0.1');
