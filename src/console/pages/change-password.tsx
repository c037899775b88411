// Changing one's own password, proved by the present one. Every session ends with it, this one too.

import { useState } from 'preact/hooks';
import { useWords } from '../session/preferences.tsx';
import { useSession } from '../session/session.tsx';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/fields.tsx';
import { ProblemNotice } from '../ui/notice.tsx';
import { useCommand } from '../ui/use-command.ts';
import { useFirstFault } from '../ui/use-first-fault.ts';

const lengthMin = 12;

export const ChangePassword = ({ org, user }: { readonly org: string; readonly user: string }) => {
  const { t } = useWords();
  const { api, leave } = useSession();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const [isChecked, setChecked] = useState(false);
  const command = useCommand();
  const { ref, showFirst } = useFirstFault();
  const isShort = next.length < lengthMin;
  const isOther = next !== again;
  const submit = (event: Event): void => {
    event.preventDefault();
    setChecked(true);
    if (current === '' || isShort || isOther) return showFirst();
    command.run(
      () => api.changePassword(org, user, { currentPassword: current, newPassword: next }),
      () => leave('password'),
    );
  };
  return (
    <section class="card stack" aria-labelledby="password">
      <h2 id="password">{t('password.title')}</h2>
      <form class="stack" ref={ref} onSubmit={submit} noValidate>
        {/* So that a password manager knows whose password it is. */}
        <input type="text" autocomplete="username" value={user} readOnly hidden />
        <TextField
          label={t('password.current')}
          type="password"
          autocomplete="current-password"
          value={current}
          isRequired
          error={isChecked && current === '' ? t('password.currentMissing') : undefined}
          onValue={setCurrent}
        />
        <TextField
          label={t('password.next')}
          hint={t('password.hint')}
          type="password"
          autocomplete="new-password"
          value={next}
          isRequired
          error={isChecked && isShort ? t('password.short') : undefined}
          onValue={setNext}
        />
        <TextField
          label={t('password.again')}
          type="password"
          autocomplete="new-password"
          value={again}
          isRequired
          error={isChecked && !isShort && isOther ? t('password.differs') : undefined}
          onValue={setAgain}
        />
        <p class="about">{t('password.ends')}</p>
        <ProblemNotice problem={command.problem} />
        <div class="actions">
          <Button type="submit" isBusy={command.isBusy}>
            {t('password.submit')}
          </Button>
        </div>
      </form>
    </section>
  );
};
