// Judges the settings of reminders.

import { isLoopbackUrl } from '../tokens/outgoing-proxy.ts';
import { type Check, check, isPlainHttp } from './check.ts';

/** Nobody else hears what is said to a server on this machine. */
const isHere = (host: string): boolean => isLoopbackUrl(`http://${host.includes(':') ? `[${host}]` : host}`);

export const reminderCheck: Check = check(['reminders'], ({ reminders }, problem, warning) => {
  const { enabled, smtp, webhook, beforeMs } = reminders;
  if (enabled && smtp === undefined && webhook === undefined)
    problem(
      ['reminders', 'enabled'],
      'has nothing to send by; write reminders.smtp or reminders.webhook, or false',
    );
  if (beforeMs.length > 8)
    problem(['reminders', 'before'], 'has more than 8 durations; a token has 8 reminders at most');
  if (webhook !== undefined && isPlainHttp(webhook.url))
    warning(
      ['reminders', 'webhook', 'url'],
      'is plain http: everybody on the way reads who has which API tokens; write an https URL',
    );
  if (smtp === undefined) return;
  const { user, password, tls, host } = smtp;
  if ((user === undefined) !== (password === undefined))
    problem(['reminders', 'smtp'], 'has only one of `user` and `password`; write both, or neither');
  if (user !== undefined && tls === 'opportunistic' && !isHere(host))
    problem(
      ['reminders', 'smtp', 'tls'],
      'is opportunistic: where the server has no TLS, or somebody hides it, the password goes over the network for all to read; write required or implicit',
    );
});
