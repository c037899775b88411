// The fields of an organization.

import { useWords } from '../session/preferences.tsx';
import { Choice, Group, SelectField, TextField } from '../ui/fields.tsx';
import { lifetimeUnits } from '../words/duration.ts';
import { orgFaults, type OrgForm } from './org-form.ts';

export interface OrgFieldsProps {
  readonly form: OrgForm;
  readonly onChange: (part: Partial<OrgForm>) => void;
}

export const OrgFields = ({ form, onChange }: OrgFieldsProps) => {
  const { t } = useWords();
  const faults = orgFaults(form);
  return (
    <>
      <TextField
        label={t('account.name')}
        value={form.name}
        lengthMax={128}
        onValue={(name) => onChange({ name })}
      />
      <Group title={t('orgs.max')}>
        <Choice
          label={t('orgs.hasMax')}
          isChecked={form.hasMax}
          onChange={(hasMax) => onChange({ hasMax })}
        />
        {form.hasMax && (
          <div class="pair">
            <TextField
              label={t('orgs.maxAmount')}
              value={form.amount}
              inputMode="numeric"
              lengthMax={6}
              error={faults.includes('max') ? t('generate.lifetimeMalformed') : undefined}
              onValue={(amount) => onChange({ amount })}
            />
            <SelectField
              label={t('generate.unit')}
              value={form.unit}
              options={lifetimeUnits.map((unit) => [unit, t(`unit.${unit}`)] as const)}
              onValue={(unit) => onChange({ unit })}
            />
          </div>
        )}
      </Group>
      <ReminderFields form={form} onChange={onChange} />
    </>
  );
};

export const ReminderFields = ({ form, onChange }: OrgFieldsProps) => {
  const { t } = useWords();
  return (
    <Group title={t('account.email')}>
      <Choice
        label={t('orgs.silent')}
        isChecked={form.isSilent}
        onChange={(isSilent) => onChange({ isSilent })}
      />
      {!form.isSilent && (
        <TextField
          label={t('orgs.remindDays')}
          hint={t('orgs.remindHint')}
          value={form.remindDays}
          error={orgFaults(form).includes('remind') ? t('orgs.remindMalformed') : undefined}
          lengthMax={64}
          onValue={(remindDays) => onChange({ remindDays })}
        />
      )}
    </Group>
  );
};
