// The form of a new token: what is typed into it, what is wrong with that, and the command it makes. Pure.

import type { Grantable } from '../api/shapes.ts';
import { type Amount, amountMs, amountOf, durationOf, parseDuration } from '../words/duration.ts';

/** A lifetime, as it is typed. */
export interface LifetimeForm extends Amount {
  readonly isForever: boolean;
}

export interface NewTokenForm extends LifetimeForm {
  readonly name: string;
  readonly takesAll: boolean;
  readonly chosen: readonly string[];
  readonly openid: boolean;
  readonly reminder: 'default' | 'none' | 'once';
  readonly remindDays: string;
  /** Networks with blanks or commas between; nothing: from anywhere. */
  readonly networks: string;
}

/** What the API is sent. */
export interface NewToken {
  readonly name: string;
  readonly scopes: 'all' | readonly string[];
  /** A duration, or `never`. */
  readonly lifetime: string;
  readonly openid: boolean;
  readonly remindBefore?: string;
  readonly allowFrom?: readonly string[];
}

/** Six months: what the server takes where nobody says. */
const usualMs = 180 * 86_400_000;
const minuteMs = 60_000;

export const lifetimeMaxMs = ({ lifetimeMax }: Pick<Grantable, 'lifetimeMax'>): number | undefined =>
  lifetimeMax === null ? undefined : parseDuration(lifetimeMax);

export type Lifetimes = Pick<Grantable, 'lifetimeMax' | 'lifetimeDefault'>;

/** What the organization gives where nobody says. */
export const usualLifetime = (lifetimes: Lifetimes): LifetimeForm => {
  const { lifetimeDefault } = lifetimes;
  const wantedMs = lifetimeDefault === null ? usualMs : (parseDuration(lifetimeDefault) ?? usualMs);
  return { ...amountOf(Math.min(wantedMs, lifetimeMaxMs(lifetimes) ?? Infinity)), isForever: false };
};

export const emptyForm = (lifetimes: Lifetimes): NewTokenForm => ({
  name: '',
  ...usualLifetime(lifetimes),
  takesAll: false,
  chosen: [],
  openid: false,
  reminder: 'default',
  remindDays: '14',
  networks: '',
});

export type LifetimeFault = 'lifetimeMalformed' | 'lifetimeTooLong';
export type NewTokenFault =
  | LifetimeFault
  | 'nameMissing'
  | 'scopesMissing'
  | 'remindMalformed'
  | 'networksMalformed';

/** The part of it that is wrong. */
export const lifetimeFaultsOf = (
  form: LifetimeForm,
  lifetimes: Pick<Grantable, 'lifetimeMax'>,
): readonly LifetimeFault[] => {
  const ms = amountMs(form);
  if (form.isForever) return [];
  if (ms === undefined || ms < minuteMs) return ['lifetimeMalformed'];
  return ms > (lifetimeMaxMs(lifetimes) ?? Infinity) ? ['lifetimeTooLong'] : [];
};

/** `form` has no faults. */
export const lifetimeOf = (form: LifetimeForm): string =>
  form.isForever ? 'never' : durationOf(amountMs(form) ?? usualMs);

export const faultsOf = (
  form: NewTokenForm,
  grantable: Pick<Grantable, 'lifetimeMax'>,
): readonly NewTokenFault[] => {
  const faults: readonly (NewTokenFault | false)[] = [
    form.name.trim() === '' && 'nameMissing',
    ...lifetimeFaultsOf(form, grantable),
    !form.takesAll && form.chosen.length === 0 && 'scopesMissing',
    form.reminder === 'once' && remindMs(form) === undefined && 'remindMalformed',
    !areNetworks(networksOf(form)) && 'networksMalformed',
  ];
  return faults.filter((fault) => fault !== false);
};

const remindMs = ({ remindDays }: NewTokenForm): number | undefined =>
  amountMs({ amount: remindDays, unit: 'days' });

const networksOf = ({ networks }: NewTokenForm): readonly string[] =>
  networks.split(/[\s,]+/).filter((network) => network !== '');

/** As many as the server takes, each of a network's characters; which of them is none, the server says. */
const areNetworks = (networks: readonly string[]): boolean =>
  networks.length <= 32 && networks.every((network) => /^[\dA-Fa-f.:]+(?:\/\d{1,3})?$/.test(network));

/** `form` has no faults. */
export const commandOf = (form: NewTokenForm): NewToken => ({
  name: form.name.trim(),
  scopes: form.takesAll ? 'all' : form.chosen,
  lifetime: lifetimeOf(form),
  openid: form.openid,
  ...(form.reminder === 'none' && { remindBefore: 'PT0S' }),
  ...(networksOf(form).length > 0 && { allowFrom: networksOf(form) }),
  ...(form.reminder === 'once' && { remindBefore: durationOf(remindMs(form) ?? 0) }),
});
