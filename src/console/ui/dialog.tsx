// Dialogs, by <dialog>: the browser keeps the focus inside, closes on Escape and gives the focus back. Shown as long as it
// is rendered.

import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { useWords } from '../session/preferences.tsx';
import { Button } from './button.tsx';

export interface DialogProps {
  readonly title: string;
  /** A command is under way: the dialog stays until it is answered. */
  readonly isBusy?: boolean;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

export const Dialog = ({ title, isBusy = false, onClose, children }: DialogProps) => {
  const { t } = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const isGone = useRef(false);
  const titleId = useId();
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => {
      isGone.current = true;
      element?.close();
    };
  }, []);
  // The event of a dialog that is gone comes late: it must not close the next one.
  const close = (): void => {
    if (!isGone.current) onClose();
  };
  return (
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      onClose={close}
      onCancel={(event) => {
        if (isBusy) event.preventDefault();
      }}
    >
      <header>
        <h2 id={titleId}>{title}</h2>
        <Button look="quiet" icon="close" label={t('action.close')} isBusy={isBusy} onClick={onClose} />
      </header>
      {children}
    </dialog>
  );
};

export interface ConfirmProps {
  readonly title: string;
  readonly action: string;
  readonly isBusy: boolean;
  readonly isReady?: boolean;
  readonly look?: 'danger' | 'primary';
  readonly onConfirm: () => void;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** A question before something that cannot be undone: the body says the consequences. */
export const Confirm = (props: ConfirmProps) => {
  const { t } = useWords();
  const { title, action, isBusy, isReady = true, look = 'danger', onConfirm, onClose, children } = props;
  return (
    <Dialog title={title} isBusy={isBusy} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !isBusy) onConfirm();
        }}
      >
        {children}
        <div class="actions">
          <Button isDisabled={isBusy} onClick={onClose}>
            {t('action.cancel')}
          </Button>
          <Button look={look} type="submit" isBusy={isBusy} isDisabled={!isReady}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
};
