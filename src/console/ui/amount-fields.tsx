// A duration as a form asks for it: an amount and its unit, side by side.

import { useWords } from '../session/preferences.tsx';
import { type Amount, lifetimeUnits } from '../words/duration.ts';
import { SelectField, TextField } from './fields.tsx';

export interface AmountFieldsProps {
  readonly label: string;
  readonly value: Amount;
  readonly error: string | undefined;
  readonly onChange: (part: Partial<Amount>) => void;
}

export const AmountFields = ({ label, value, error, onChange }: AmountFieldsProps) => {
  const { t } = useWords();
  return (
    <div class="pair">
      <TextField
        label={label}
        value={value.amount}
        inputMode="numeric"
        lengthMax={6}
        error={error}
        onValue={(amount) => onChange({ amount })}
      />
      <SelectField
        label={t('generate.unit')}
        value={value.unit}
        options={lifetimeUnits.map((unit) => [unit, t(`unit.${unit}`)] as const)}
        onValue={(unit) => onChange({ unit })}
      />
    </div>
  );
};
