// The fields of reminders: when, and by which ways.

import { field, group } from './field.ts';
import { exactHttpUrl, httpUrl } from './network-readers.ts';
import { certificate } from './pem.ts';
import { duration } from './quantity.ts';
import {
  andThen,
  count,
  flag,
  listOf,
  oneOf,
  type Reader,
  right,
  secretText,
  text,
  wrong,
} from './reader.ts';

export const reminderLanguages = ['en', 'fr', 'es', 'ru'] as const;

/** One address, or a name and an address in angle brackets: nothing that could end a header line or name a second one. */
const sender = text(
  'the sender of mail',
  'an address, e.g. tollgate@example.com or Tollgate <tollgate@example.com>',
  /^(?:[^\0-\x1f\x7f<>"@,;:\\]{1,80} <[\w!#$%&'*+/=?^`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,180}>|[\w!#$%&'*+/=?^`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,180})$/,
);

const secretExpects =
  'whsec_ and 24 to 64 bytes in base64, as Standard Webhooks have it (printf whsec_; openssl rand -base64 32)';

/** Standard Webhooks: the key that signs, 24 to 64 bytes. */
const webhookSecret: Reader<Buffer> = {
  ...secretText(secretExpects),
  read: (value) =>
    andThen(secretText(secretExpects).read(value), (written) => {
      const [, base64] =
        /^whsec_((?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/.exec(written) ?? [];
      const key = Buffer.from(base64 ?? '', 'base64');
      return key.length >= 24 && key.length <= 64
        ? right(key)
        : wrong(`is not such a secret (not shown); write ${secretExpects}`);
    }),
};

const smtpFields = group({
  host: field(
    text('a host', 'the name or address of the server', /^[A-Za-z0-9._:-]{1,253}$/),
    'The server that takes mail.',
  ),
  port: field(count(1, 65_535), 'Its port. Default: 587; with `tls: implicit` 465.').optional(),
  tls: field(
    oneOf('required', 'opportunistic', 'implicit'),
    '`required`: STARTTLS or nothing is sent; `implicit`: TLS from the first byte; `opportunistic`: STARTTLS where the server has it. Certificates are verified.',
  ).prefault('required'),
  ca: field(
    certificate("the CA's certificate"),
    "PEM file with the CA of the server's certificate; else the system's.",
  ).optional(),
  user: field(
    text('a user name', 'the name to sign in with'),
    'Signs in with it; without it nobody does.',
  ).optional(),
  password: field(secretText('the password'), 'Its password.').optional(),
  from: field(sender, 'Who the mail is from.'),
  timeoutMs: field(
    duration('100ms', '2m'),
    'How long the server may be silent; a mail takes twice that at most.',
  ).prefault('10s'),
});

const webhookFields = group({
  url: field(
    exactHttpUrl('https://HOST/path'),
    'Where reminders are sent by POST. Redirects are not followed.',
  ),
  secret: field(webhookSecret, 'Signs them (Standard Webhooks).'),
  timeoutMs: field(duration('100ms', '2m'), 'Time to answer.').prefault('10s'),
  attempts: field(count(1, 20), 'So often a reminder is tried before it is given up.').prefault(8),
});

export const reminderFields = group({
  enabled: field(
    flag,
    'Reminds people of their API tokens before these expire. Needs `smtp` or `webhook`.',
  ).prefault(false),
  beforeMs: field(
    listOf(duration('1m', '3650d'), 1),
    'How long before its expiry a token has reminders, where neither it nor its org says so.',
  ).prefault(['14d', '3d', '1d']),
  perMinute: field(count(1, 6_000), 'Most mails and webhooks together that are sent in a minute.').prefault(
    60,
  ),
  intervalMs: field(duration('1s', '1d'), 'How often it is looked what is due.').prefault('5m'),
  consoleUrl: field(
    httpUrl('the URL of the console, e.g. https://api.example.com/tollgate/console'),
    'Reminders lead there. Default: the console of this gate, where it is on; without one they have no link.',
  ).optional(),
  language: field(oneOf(...reminderLanguages), 'The language of mails.').prefault('en'),
  smtp: smtpFields.meta({ description: 'Sends mail to users who have an address.' }).optional(),
  webhook: webhookFields.meta({ description: 'Sends every reminder to a server of yours.' }).optional(),
});
