// The yardstick: what forwarding alone costs. Raw headers both ways, hop-by-hop ones dropped, streaming with backpressure
// over an undici Pool; no routes, no credentials, no records. With a third argument, JSON of header pairs, it removes
// Authorization and adds these: what telling an API who calls costs anybody, by the size of it.

import { createServer } from 'node:http';
import { Pool } from 'undici';

const [listenPort, upstreamPort, pairs] = process.argv.slice(2);
const added = JSON.parse(pairs ?? '[]') as string[];
const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { connections: 256, pipelining: 1 });
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'proxy-connection',
  'expect',
]);
const dropped = new Set([...hopByHop, ...(added.length > 0 ? ['authorization'] : [])]);

createServer((request, response) => {
  const headers: string[] = [];
  const { rawHeaders, method = 'GET', url = '/' } = request;
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (!dropped.has(rawHeaders[index]!.toLowerCase()))
      headers.push(rawHeaders[index]!, rawHeaders[index + 1]!);
  for (const part of added) headers.push(part);
  const hasBody = request.headers['content-length'] !== undefined || 'transfer-encoding' in request.headers;
  pool.dispatch(
    { path: url, method: method as 'GET', headers, body: hasBody ? request : null },
    {
      onRequestStart: (controller) => {
        response.on('close', () => {
          if (!response.writableFinished) controller.abort(new Error('the caller left'));
        });
      },
      onResponseStart: (controller, status) => {
        const raw = controller.rawHeaders as (Buffer | string)[];
        const pairs: string[] = [];
        for (let index = 0; index < raw.length; index += 2) {
          const name = raw[index]!.toString('latin1');
          if (!hopByHop.has(name.toLowerCase())) pairs.push(name, raw[index + 1]!.toString('latin1'));
        }
        response.writeHead(status, pairs);
      },
      onResponseData: (controller, piece) => {
        if (response.write(piece)) return;
        controller.pause();
        response.once('drain', () => controller.resume());
      },
      onResponseEnd: () => void response.end(),
      onResponseError: () => {
        if (response.headersSent) response.destroy();
        else response.writeHead(502).end();
      },
    },
  );
}).listen(Number(listenPort), '127.0.0.1');
