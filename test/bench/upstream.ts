// The API of the bench: the same few bytes for every request, as cheaply as Node can send them, so that what is measured
// is the proxy. Requests have no body; a request ends with an empty line.

import { createServer } from 'node:net';

const body = JSON.stringify({ id: 1, name: 'a thing', tags: ['one', 'two'], text: 'x'.repeat(64) });
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nX-Request: 1\r\n\r\n${body}`,
);
const requestEnd = Buffer.from('\r\n\r\n');

createServer({ noDelay: true }, (socket) => {
  let rest: Buffer | undefined;
  socket.on('error', () => socket.destroy());
  socket.on('data', (piece: Buffer) => {
    const data = rest === undefined ? piece : Buffer.concat([rest, piece]);
    let start = 0;
    for (let end = data.indexOf(requestEnd); end !== -1; end = data.indexOf(requestEnd, start)) {
      start = end + requestEnd.length;
      socket.write(answer);
    }
    rest = start === data.length ? undefined : data.subarray(start);
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
