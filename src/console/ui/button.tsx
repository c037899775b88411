// Buttons. One that is busy stays where it is and takes no second click; it keeps the focus, so it is not disabled.

import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.tsx';

export interface ButtonProps {
  readonly look?: 'primary' | 'danger' | 'plain' | 'quiet';
  readonly icon?: IconName;
  readonly type?: 'button' | 'submit';
  readonly isBusy?: boolean;
  readonly isDisabled?: boolean;
  /** What a screen reader says, where the text alone is not enough. */
  readonly label?: string | undefined;
  readonly onClick?: () => void;
  readonly children?: ComponentChildren;
}

export const Button = (props: ButtonProps) => {
  const {
    look = 'plain',
    icon,
    type = 'button',
    isBusy = false,
    isDisabled = false,
    label,
    children,
  } = props;
  return (
    <button
      type={type}
      class={`button ${look}`}
      disabled={isDisabled}
      aria-busy={isBusy}
      aria-label={label}
      onClick={(event) => {
        if (isBusy) event.preventDefault();
        else props.onClick?.();
      }}
    >
      {icon !== undefined && <Icon name={icon} />}
      {children !== undefined && <span>{children}</span>}
    </button>
  );
};
