// The settings as every room reads them: one frozen value, made once. Types only. Their shape is derived from the table
// in schema.ts, so a new setting is written there and nowhere else in this room; what depends on other settings is filled
// in by resolve-settings.ts.

import type { resolveSettings } from './resolve-settings.ts';

export type Settings = ReturnType<typeof resolveSettings>;

export type Address = Settings['listen'];
export type UpstreamSettings = Settings['upstreams'][string];
export type StoreSettings = Settings['store'];
export type RedisSettings = Extract<StoreSettings, { kind: 'redis' }>;
export type SqliteSettings = Extract<StoreSettings, { kind: 'sqlite' }>;
export type IssuerSettings = Settings['issuers'][number];
export type OauthClientSettings = Settings['oauth']['clients'][number];
export type ReminderSettings = Settings['reminders'];
export type SmtpSettings = NonNullable<ReminderSettings['smtp']>;
export type WebhookSettings = NonNullable<ReminderSettings['webhook']>;
export type CspSettings = Settings['surfaces']['csp'];
export type VcdSettings = Settings['surfaces']['vcd'];
export type AstraSettings = Settings['surfaces']['astra'];
