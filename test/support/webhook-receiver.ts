// A server that takes webhooks, checks their signatures by itself, and answers as it is told.

import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

export const webhookKey = Buffer.alloc(32, 5);
export const webhookSecret = `whsec_${webhookKey.toString('base64')}`;

export interface ReceivedHook {
  readonly id: string;
  readonly isSigned: boolean;
  readonly body: { readonly type: string; readonly data: { readonly apiToken: { readonly id: string } } };
}

/** `answer`: the status of the nth webhook; undefined: none ever comes. */
export const startWebhookReceiver = async (
  t: Test,
  answer: (nth: number) => number | undefined = () => 204,
): Promise<{
  readonly url: string;
  readonly hooks: readonly ReceivedHook[];
  received(count: number): Promise<void>;
}> => {
  const hooks: ReceivedHook[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const id = String(request.headers['webhook-id']);
      const signed = `${id}.${String(request.headers['webhook-timestamp'])}.${text}`;
      const signature = `v1,${createHmac('sha256', webhookKey).update(signed).digest('base64')}`;
      hooks.push({
        id,
        isSigned: request.headers['webhook-signature'] === signature,
        body: JSON.parse(text) as ReceivedHook['body'],
      });
      const status = answer(hooks.length);
      if (status !== undefined)
        response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
      for (const { count, resolve } of waiting) if (hooks.length >= count) resolve();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    hooks,
    received: (count) =>
      hooks.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => void waiting.push({ count, resolve })),
  };
};
