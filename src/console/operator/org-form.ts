// The form of an organization: what is typed, and the commands it makes. Pure.

import type { Org } from '../api/shapes.ts';
import { type Amount, amountMs, amountOf, durationOf, parseDuration } from '../words/duration.ts';

export interface OrgForm extends Amount {
  readonly name: string;
  readonly hasMax: boolean;
  /** Days before expiry, e.g. `14, 3, 1`; empty: the server's default. */
  readonly remindDays: string;
  readonly isSilent: boolean;
}

const dayMs = 86_400_000;
const usualMaxMs = 365 * dayMs;

export const emptyOrgForm: OrgForm = {
  name: '',
  hasMax: false,
  ...amountOf(usualMaxMs),
  remindDays: '',
  isSilent: false,
};

export const orgForm = ({ name, tokenLifetimeMax, remindBefore }: Org): OrgForm => ({
  name,
  hasMax: tokenLifetimeMax !== null,
  ...amountOf((tokenLifetimeMax === null ? undefined : parseDuration(tokenLifetimeMax)) ?? usualMaxMs),
  remindDays: (remindBefore ?? []).map((each) => String((parseDuration(each) ?? 0) / dayMs)).join(', '),
  isSilent: remindBefore?.length === 0,
});

export type OrgFault = 'max' | 'remind';

export const orgFaults = (form: OrgForm): readonly OrgFault[] => [
  ...(form.hasMax && amountMs(form) === undefined ? (['max'] as const) : []),
  ...(!form.isSilent && daysOf(form) === undefined ? (['remind'] as const) : []),
];

/** What the operator may change. `form` has no faults. */
export const orgBody = (form: OrgForm) => {
  const ms = form.hasMax ? amountMs(form) : undefined;
  return { ...ownOrgBody(form), tokenLifetimeMax: ms === undefined ? null : durationOf(ms) };
};

/** What an owner may change too. */
export const ownOrgBody = (form: OrgForm) => ({
  ...(form.name.trim() !== '' && { name: form.name.trim() }),
  remindBefore: remindersOf(form),
});

const remindersOf = (form: OrgForm): readonly string[] | null => {
  if (form.isSilent) return [];
  const days = daysOf(form) ?? [];
  return days.length === 0 ? null : days.map((each) => durationOf(each * dayMs));
};

/** Undefined: something other than numbers of days. */
const daysOf = ({ remindDays }: OrgForm): readonly number[] | undefined => {
  const texts = remindDays.split(/[\s,;]+/).filter((each) => each !== '');
  const isFit = texts.length <= 8 && texts.every((each) => /^[0-9]{1,4}$/.test(each) && Number(each) > 0);
  return isFit ? texts.map(Number) : undefined;
};
