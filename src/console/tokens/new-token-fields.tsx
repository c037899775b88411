// The groups of fields in the form of a new token.

import type { Grantable } from '../api/shapes.ts';
import { Link } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { AmountFields } from '../ui/amount-fields.tsx';
import { Choice, Group, SelectField, TextField } from '../ui/fields.tsx';
import { Notice } from '../ui/notice.tsx';
import { useNow } from '../ui/time.tsx';
import { amountMs, parseDuration } from '../words/duration.ts';
import {
  type LifetimeForm,
  lifetimeMaxMs,
  type Lifetimes,
  type NewTokenFault,
  type NewTokenForm,
} from './new-token.ts';
import { ScopePicker } from './scope-picker.tsx';

interface Part {
  readonly form: NewTokenForm;
  readonly faults: readonly NewTokenFault[];
  readonly onChange: (part: Partial<NewTokenForm>) => void;
}

interface LifetimePart {
  readonly form: LifetimeForm;
  readonly grantable: Lifetimes;
  readonly faults: readonly NewTokenFault[];
  readonly onChange: (part: Partial<LifetimeForm>) => void;
}

export const LifetimeFields = ({ form, grantable, faults, onChange }: LifetimePart) => {
  const { t, duration } = useWords();
  const maxMs = lifetimeMaxMs(grantable);
  const error = faults.includes('lifetimeMalformed')
    ? t('generate.lifetimeMalformed')
    : faults.includes('lifetimeTooLong')
      ? t('generate.lifetimeTooLong', { max: duration(maxMs ?? 0) })
      : undefined;
  return (
    <Group
      title={t('generate.lifetime')}
      hint={maxMs === undefined ? t('generate.noMax') : t('generate.max', { max: duration(maxMs) })}
    >
      {!form.isForever && (
        <>
          <AmountFields label={t('generate.amount')} value={form} error={error} onChange={onChange} />
          <Until ms={amountMs(form)} />
        </>
      )}
      {maxMs === undefined && (
        <Choice
          label={t('generate.never')}
          isChecked={form.isForever}
          onChange={(isForever) => onChange({ isForever })}
        />
      )}
      {form.isForever && (
        <Notice tone="warning" role="status">
          <p>{t('generate.neverWarning')}</p>
        </Notice>
      )}
    </Group>
  );
};

/** Beyond it a date says nothing. */
const showableMs = 36_525 * 86_400_000;

const Until = ({ ms }: { readonly ms: number | undefined }) => {
  const { t, dateTime } = useWords();
  const nowMs = useNow();
  if (ms === undefined || ms > showableMs) return null;
  const iso = new Date(nowMs + ms).toISOString();
  return <p class="about">{t('generate.until', { date: dateTime(iso) })}</p>;
};

export const ScopeFields = ({
  form,
  grantable,
  faults,
  onChange,
}: Part & { readonly grantable: Grantable }) => {
  const { t } = useWords();
  return (
    <Group
      title={t('token.scopes')}
      hint={t('generate.scopesHint')}
      error={faults.includes('scopesMissing') ? t('generate.scopesMissing') : undefined}
    >
      {grantable.mayGrantAll && (
        <Choice
          label={t('generate.allRoles')}
          hint={t('generate.allRolesHint')}
          group="scopes"
          isChecked={form.takesAll}
          onChange={() => onChange({ takesAll: true })}
        />
      )}
      {grantable.mayGrantAll && (
        <Choice
          label={t('generate.someScopes')}
          group="scopes"
          isChecked={!form.takesAll}
          onChange={() => onChange({ takesAll: false })}
        />
      )}
      {!form.takesAll && (
        <ScopePicker grantable={grantable} chosen={form.chosen} onChange={(chosen) => onChange({ chosen })} />
      )}
    </Group>
  );
};

export const NetworkField = ({ form, faults, onChange }: Part) => {
  const { t } = useWords();
  return (
    <TextField
      label={t('token.allowFrom')}
      hint={t('generate.networksHint')}
      error={faults.includes('networksMalformed') ? t('generate.networksMalformed') : undefined}
      value={form.networks}
      lengthMax={2_048}
      isId
      onValue={(networks) => onChange({ networks })}
    />
  );
};

interface ReminderProps extends Part {
  readonly choices: { readonly grantable: Grantable; readonly email: string | null };
}

export const ReminderFields = ({ form, choices, faults, onChange }: ReminderProps) => {
  const { t, duration } = useWords();
  const { email, grantable } = choices;
  if (form.isForever) return null;
  const times = grantable.remindBefore?.map((each) => duration(parseDuration(each) ?? 0));
  const usual =
    times === undefined ? t('reminder.default') : t('reminder.orgDefault', { times: times.join(', ') });
  return (
    <Group
      title={t('token.reminder')}
      hint={
        email === null ? (
          <>
            {t('reminder.noEmail')} <Link to={{ page: 'account' }}>{t('nav.account')}</Link>
          </>
        ) : (
          t('reminder.to', { email })
        )
      }
    >
      <SelectField
        label={t('reminder.when')}
        value={form.reminder}
        options={[
          ['default', usual],
          ['once', t('reminder.once')],
          ['none', t('reminder.none')],
        ]}
        onValue={(reminder) => onChange({ reminder })}
      />
      {form.reminder === 'once' && (
        <TextField
          label={t('reminder.days')}
          value={form.remindDays}
          inputMode="numeric"
          lengthMax={4}
          error={faults.includes('remindMalformed') ? t('reminder.malformed') : undefined}
          onValue={(remindDays) => onChange({ remindDays })}
        />
      )}
    </Group>
  );
};
