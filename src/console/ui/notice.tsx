// Boxes that say something: a hint, a success, a warning, an error. An error is announced when it appears.

import type { ComponentChildren } from 'preact';
import { isOutage, type Problem } from '../api/problem.ts';
import { useWords } from '../session/preferences.tsx';
import { Button } from './button.tsx';
import { Icon, type IconName } from './icon.tsx';

export interface NoticeProps {
  readonly tone?: 'info' | 'done' | 'warning' | 'error';
  /** `alert`: announced when it appears. */
  readonly role?: 'alert' | 'status' | 'note';
  readonly title?: string;
  readonly children?: ComponentChildren;
}

const icons: Readonly<Record<'info' | 'done' | 'warning' | 'error', IconName>> = {
  info: 'info',
  done: 'check',
  warning: 'alert',
  error: 'alert',
};

export const Notice = ({ tone = 'info', role, title, children }: NoticeProps) => (
  <div class={`notice ${tone}`} role={role}>
    <Icon name={icons[tone]} />
    <div>
      {title !== undefined && <strong>{title}</strong>}
      {children}
    </div>
  </div>
);

/** What went wrong with what the person just asked for. What they typed is still there. */
export const ProblemNotice = ({ problem }: { readonly problem: Problem | undefined }) => {
  const words = useWords();
  if (problem === undefined) return null;
  return (
    <Notice tone="error" role="alert">
      <p>{words.problem(problem)}</p>
      {isOutage(problem) && <p>{words.t('state.keptTyping')}</p>}
      {problem.retryAfterSeconds !== undefined && (
        <p>{words.t('state.retryAfter', { time: words.duration(problem.retryAfterSeconds * 1000) })}</p>
      )}
    </Notice>
  );
};

/** Shown instead of what could not be loaded. */
export const Failed = ({ problem, onRetry }: { readonly problem: Problem; readonly onRetry: () => void }) => {
  const words = useWords();
  return (
    <div class="state" role="alert">
      <Icon name="alert" />
      <h2>{words.t(isOutage(problem) ? 'state.down' : 'state.failed')}</h2>
      <p>{words.problem(problem)}</p>
      {isOutage(problem) && <p>{words.t('state.retrying')}</p>}
      <Button icon="refresh" onClick={onRetry}>
        {words.t('action.retry')}
      </Button>
    </div>
  );
};

export const Loading = () => {
  const { t } = useWords();
  return (
    <div class="loading" role="status" aria-busy="true">
      <span class="unseen">{t('state.loading')}</span>
      <i />
      <i />
      <i />
    </div>
  );
};

export const Empty = ({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) => (
  <div class="state">
    <Icon name="list" />
    <h2>{title}</h2>
    {children}
  </div>
);

export const Badge = ({
  tone,
  children,
}: {
  readonly tone: 'ok' | 'warning' | 'off' | 'bad';
  readonly children: ComponentChildren;
}) => <span class={`badge ${tone}`}>{children}</span>;
