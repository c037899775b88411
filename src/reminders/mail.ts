// Sends reminders by SMTP, one connection each. Bounded in time; certificates are verified; nothing of a server's answer but
// its code gets into the log.

import { setTimeout as delay } from 'node:timers/promises';
import { createTransport } from 'nodemailer';
import { isEmail } from '../lifecycle/email.ts';
import type { SmtpSettings } from '../settings/settings.ts';
import type { Channel, DeliveryFailure } from './channel.ts';
import { mailOf, type MessageFacts } from './mail-message.ts';
import { type Reminder, reminderId } from './reminder.ts';

/** `factsOf`: what the message of a reminder says beside it. */
export const createMail = (smtp: SmtpSettings, factsOf: (reminder: Reminder) => MessageFacts): Channel => {
  const transport = createTransport(transportOf(smtp));
  const domain = smtp.from.replace(/>$/, '').split('@').at(-1) ?? 'localhost';
  const send = async (reminder: Reminder): Promise<'sent' | DeliveryFailure> => {
    const to = reminder.user.email;
    // Checked when it was set, too; a header is no place for what an older version may have let in.
    if (to === undefined || !isEmail(to)) return malformed;
    const message = {
      from: smtp.from,
      to: { name: '', address: to },
      ...mailOf(reminder, factsOf(reminder)),
      messageId: `<${reminderId(reminder)}@${domain}>`,
      // RFC 3834: no automatic answers, please.
      headers: { 'Auto-Submitted': 'auto-generated' },
      disableFileAccess: true,
      disableUrlAccess: true,
    };
    const late = new AbortController();
    try {
      const sending = transport.sendMail(message).then(() => 'sent' as const);
      const timeout = delay(2 * smtp.timeoutMs, timedOut, { signal: late.signal });
      // The one that loses may still reject.
      sending.catch(() => undefined);
      timeout.catch(() => undefined);
      return await Promise.race([sending, timeout]);
    } catch (error) {
      return failureOf(error);
    } finally {
      late.abort();
    }
  };
  return { name: 'mail', send, close: () => transport.close() };
};

const transportOf = ({ host, port, tls, ca, user, password, timeoutMs }: SmtpSettings) => ({
  host,
  port: port ?? (tls === 'implicit' ? 465 : 587),
  secure: tls === 'implicit',
  requireTLS: tls === 'required',
  tls: { minVersion: 'TLSv1.2' as const, ...(ca !== undefined && { ca }) },
  ...(user !== undefined && password !== undefined && { auth: { user, pass: password } }),
  connectionTimeout: timeoutMs,
  greetingTimeout: timeoutMs,
  socketTimeout: timeoutMs,
  dnsTimeout: timeoutMs,
  disableFileAccess: true,
  disableUrlAccess: true,
});

const malformed: DeliveryFailure = {
  isFinal: true,
  isServerOut: false,
  why: 'the address of the user is malformed; set another one',
};

const timedOut: DeliveryFailure = { isFinal: false, isServerOut: true, why: 'ETIMEDOUT' };

/** RFC 5321 section 4.2.1: 5xx is for good. What was refused is this message, unless the server refuses us. */
const failureOf = (error: unknown): DeliveryFailure => {
  if (!(error instanceof Error)) return { isFinal: false, isServerOut: true, why: 'it could not be sent' };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const status =
    'responseCode' in error && typeof error.responseCode === 'number' ? error.responseCode : undefined;
  const isRefusal = code === 'EENVELOPE' || code === 'EMESSAGE';
  return {
    isFinal: isRefusal && status !== undefined && status >= 500,
    isServerOut: !isRefusal,
    why: status === undefined ? code : `${code} ${status}`,
  };
};
