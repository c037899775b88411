// Fields of forms: each with its label, a hint and an error that the browser ties to it.

import type { ComponentChildren, InputHTMLAttributes } from 'preact';
import { useId } from 'preact/hooks';

interface Common {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly error?: string | undefined;
}

export interface TextFieldProps extends Common {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly type?: 'text' | 'password' | 'email' | 'search' | 'datetime-local';
  readonly inputMode?: 'numeric' | 'text';
  readonly autocomplete?: string;
  readonly isRequired?: boolean;
  readonly lengthMax?: number;
  /** Ids and addresses are written from left to right in every language. */
  readonly isId?: boolean;
}

export const TextField = (props: TextFieldProps) => {
  const { label, hint, error, value, onValue, type = 'text', isRequired = false, isId = false } = props;
  const id = useId();
  const shared: InputAttributes = {
    id,
    inputMode: props.inputMode,
    value,
    dir: isId ? 'ltr' : 'auto',
    autocomplete: props.autocomplete ?? 'off',
    autocapitalize: isId ? 'none' : 'sentences',
    spellcheck: isId ? false : undefined,
    required: isRequired,
    maxLength: props.lengthMax,
    'aria-invalid': error !== undefined,
    'aria-describedby': `${id}-about`,
    onInput: ({ currentTarget }) => onValue(currentTarget.value),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <Input type={type} shared={shared} />
      <About id={id} hint={hint} error={error} />
    </div>
  );
};

type InputAttributes = Omit<InputHTMLAttributes, 'type' | 'role' | 'list'>;

interface InputProps {
  readonly type: NonNullable<TextFieldProps['type']>;
  readonly shared: InputAttributes;
}

/** Preact's types know an input by one type at a time. */
const Input = ({ type, shared }: InputProps) => {
  switch (type) {
    case 'text':
      return <input {...shared} type="text" />;
    case 'password':
      return <input {...shared} type="password" />;
    case 'email':
      return <input {...shared} type="email" />;
    case 'search':
      return <input {...shared} type="search" />;
    case 'datetime-local':
      return <input {...shared} type="datetime-local" />;
  }
};

export interface SelectFieldProps<T extends string> extends Common {
  readonly value: T;
  readonly options: readonly (readonly [value: T, text: string])[];
  readonly onValue: (value: T) => void;
}

export const SelectField = <T extends string>(props: SelectFieldProps<T>) => {
  const { label, hint, error, value, options, onValue } = props;
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        aria-describedby={`${id}-about`}
        onChange={({ currentTarget }) => {
          const chosen = options.find(([each]) => each === currentTarget.value);
          if (chosen !== undefined) onValue(chosen[0]);
        }}
      >
        {options.map(([each, text]) => (
          <option key={each} value={each} selected={each === value} dir="auto">
            {text}
          </option>
        ))}
      </select>
      <About id={id} hint={hint} error={error} />
    </div>
  );
};

export interface ChoiceProps extends Common {
  readonly isChecked: boolean;
  /** Some of what it stands for is chosen. */
  readonly isMixed?: boolean;
  readonly onChange: (isChecked: boolean) => void;
  /** With a name it is one of a group, of which one is chosen. */
  readonly group?: string;
}

/** A check box, or with `group` a radio button. */
export const Choice = (props: ChoiceProps) => {
  const { label, hint, error, isChecked, isMixed = false, onChange, group } = props;
  const id = useId();
  return (
    <div class="choice">
      <input
        id={id}
        type={group === undefined ? 'checkbox' : 'radio'}
        name={group}
        checked={isChecked}
        ref={(element) => {
          if (element !== null) element.indeterminate = isMixed;
        }}
        aria-describedby={`${id}-about`}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      <label for={id} dir="auto">
        {label}
      </label>
      <About id={id} hint={hint} error={error} />
    </div>
  );
};

const About = ({
  id,
  hint,
  error,
}: {
  readonly id: string;
  readonly hint: ComponentChildren;
  readonly error: string | undefined;
}) => (
  <div id={`${id}-about`} class="about">
    {error !== undefined && <p class="error">{error}</p>}
    {hint !== undefined && <p>{hint}</p>}
  </div>
);

/** Fields that belong together. */
export const Group = ({
  title,
  hint,
  error,
  children,
}: {
  readonly title: string;
  readonly hint?: ComponentChildren;
  readonly error?: string | undefined;
  readonly children: ComponentChildren;
}) => {
  const id = useId();
  return (
    <fieldset aria-describedby={`${id}-about`}>
      <legend>{title}</legend>
      <About id={id} hint={hint} error={error} />
      {children}
    </fieldset>
  );
};
