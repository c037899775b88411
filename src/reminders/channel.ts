// A way by which reminders are sent, and how sending one may end. Types only.

import type { ReminderChannel } from '../store/reminder-store.ts';
import type { Reminder } from './reminder.ts';

export interface Channel {
  readonly name: ReminderChannel;
  /** Never rejects. */
  send(reminder: Reminder): Promise<'sent' | DeliveryFailure>;
  close(): void;
}

export interface DeliveryFailure {
  /** Nothing will change by trying again. */
  readonly isFinal: boolean;
  /** The server is out: others would fail too. */
  readonly isServerOut: boolean;
  /** For the log: never an address, never a secret. */
  readonly why: string;
}

/** `attemptsMax`: undefined where only a final failure ends it. */
export type AttemptsMax = Readonly<Record<ReminderChannel, number | undefined>>;
