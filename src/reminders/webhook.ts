// Sends reminders to a server of the operator's, signed as Standard Webhooks have it
// (https://github.com/standard-webhooks/standard-webhooks). Bounded in time; redirects are not followed; the body of the
// answer is not read.

import { createHmac } from 'node:crypto';
import { request } from 'undici';
import type { WebhookSettings } from '../settings/settings.ts';
import { connectionsTo } from '../tokens/fetch-json.ts';
import type { Channel, DeliveryFailure } from './channel.ts';
import { type Reminder, reminderId } from './reminder.ts';

/** `linkOf`: where the token is shown; undefined: nowhere. `now`: ms since the epoch. */
export const createWebhook = (
  { url, secret, timeoutMs }: WebhookSettings,
  linkOf: (reminder: Reminder) => string | undefined,
  now: () => number,
): Channel => {
  const connections = connectionsTo(url, undefined, timeoutMs);
  const send = async (reminder: Reminder): Promise<'sent' | DeliveryFailure> => {
    const id = reminderId(reminder);
    const timestamp = Math.floor(now() / 1000);
    const body = JSON.stringify(payloadOf(reminder, linkOf(reminder), timestamp));
    try {
      const { statusCode, body: answer } = await request(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Tollgate',
          'webhook-id': id,
          'webhook-timestamp': `${timestamp}`,
          'webhook-signature': signatureOf(secret, `${id}.${timestamp}.${body}`),
        },
        body,
        signal: AbortSignal.timeout(timeoutMs),
        dispatcher: connections,
      });
      answer.on('error', () => undefined).destroy();
      return statusCode >= 200 && statusCode < 300 ? 'sent' : refused(statusCode);
    } catch (error) {
      return { isFinal: false, isServerOut: true, why: codeOf(error) };
    }
  };
  return { name: 'webhook', send, close: () => void connections.destroy() };
};

const signatureOf = (key: Uint8Array, signed: string): string =>
  `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;

/** 410: the receiver wants no more of it. Any other status may be another one tomorrow. */
const refused = (status: number): DeliveryFailure => ({
  isFinal: status === 410,
  isServerOut: status >= 500 || status === 429,
  why: `answered ${status}`,
});

const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'it could not be sent';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
};

const isoTime = (ms: number | undefined): string | null =>
  ms === undefined ? null : new Date(ms).toISOString();

const payloadOf = (
  { token, user, org, thresholdMs }: Reminder,
  url: string | undefined,
  timestamp: number,
) => ({
  type: 'api_token.expiring',
  timestamp: isoTime(timestamp * 1000),
  data: {
    apiToken: {
      id: token.id,
      name: token.name,
      createdAt: isoTime(token.createdAtMs),
      expiresAt: isoTime(token.expiresAtMs),
      lastUsedAt: isoTime(token.lastUsedAtMs),
    },
    org: { id: org.id, name: org.name },
    user: { id: user.id, name: user.name, email: user.email ?? null },
    thresholdSeconds: thresholdMs / 1000,
    url: url ?? null,
  },
});
