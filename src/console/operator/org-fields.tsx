// The fields of an organization.

import { useWords } from '../session/preferences.tsx';
import { AmountFields } from '../ui/amount-fields.tsx';
import { Choice, Group, TextField } from '../ui/fields.tsx';
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
          <AmountFields
            label={t('orgs.maxAmount')}
            value={form}
            error={faults.includes('max') ? t('generate.lifetimeMalformed') : undefined}
            onChange={onChange}
          />
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
