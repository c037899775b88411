// The form of a regeneration: what is chosen in it, what is wrong with that, and the command it makes. Pure.

import type { ApiToken } from '../api/shapes.ts';
import {
  type LifetimeFault,
  lifetimeFaultsOf,
  type LifetimeForm,
  lifetimeOf,
  type Lifetimes,
  usualLifetime,
} from './new-token.ts';

export const overlaps = ['none', 'PT1H', 'P1D', 'P3D', 'P7D'] as const;

export interface RegenerationForm extends LifetimeForm {
  readonly overlap: (typeof overlaps)[number];
  /** Whether the token keeps its expiry. */
  readonly expiry: 'keep' | 'new';
}

/** What the API is sent. */
export interface Regeneration {
  readonly overlap?: string;
  /** A duration, or `never`. */
  readonly lifetime?: string;
}

/** With less time left than this, a person most likely wants a new lifetime: reminders usually come later than this. */
const soonMs = 30 * 86_400_000;

export const beginRegeneration = (
  { expiresAt }: Pick<ApiToken, 'expiresAt'>,
  lifetimes: Lifetimes,
  nowMs: number,
): RegenerationForm => ({
  overlap: 'P1D',
  expiry: expiresAt !== null && Date.parse(expiresAt) - nowMs < soonMs ? 'new' : 'keep',
  ...usualLifetime(lifetimes),
});

export const regenerationFaultsOf = (
  form: RegenerationForm,
  lifetimes: Lifetimes,
): readonly LifetimeFault[] => (form.expiry === 'keep' ? [] : lifetimeFaultsOf(form, lifetimes));

/** `form` has no faults. */
export const regenerationOf = (form: RegenerationForm): Regeneration => ({
  ...(form.overlap !== 'none' && { overlap: form.overlap }),
  ...(form.expiry === 'new' && { lifetime: lifetimeOf(form) }),
});
