// An API that answers every request and closes its connections while they are idle, at an age of its choice: a process of
// its own, so that its closes cross our requests as they do in a network.
//
//   node closing-api.ts random 30     closes after 0 to 30 ms
//   node closing-api.ts fixed 25      closes after 25 ms
//
// It prints its port, and ends when its input does.

import { createServer, type Socket } from 'node:net';

const [kind, ageMs] = [process.argv[2], Number(process.argv[3])];
const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

const server = createServer({ noDelay: true }, (socket: Socket) => {
  let received = '';
  let timer: NodeJS.Timeout | undefined;
  socket.on('error', () => socket.destroy());
  socket.on('close', () => clearTimeout(timer));
  socket.setEncoding('latin1').on('data', (piece: string) => {
    clearTimeout(timer);
    received += piece;
    for (let request = wholeOf(received); request > 0; request = wholeOf(received)) {
      received = received.slice(request);
      socket.write(answer);
      timer = setTimeout(() => socket.destroy(), kind === 'random' ? Math.random() * ageMs : ageMs);
    }
  });
});

/** The length of the first whole request; 0 when there is none. */
const wholeOf = (bytes: string): number => {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return 0;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(bytes.slice(0, end))?.[1] ?? 0);
  return bytes.length >= end + 4 + length ? end + 4 + length : 0;
};

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(typeof address === 'object' && address !== null ? address.port : 0);
});
process.stdin.on('close', () => process.exit(0)).resume();
