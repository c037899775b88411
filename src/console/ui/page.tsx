// The frame of every page's content: its title (the only h1, which takes the focus when the person came from another page),
// what was just done, and the content.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useRouter } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { Button } from './button.tsx';
import { useFlash } from './flash.tsx';
import { Icon } from './icon.tsx';

export interface PageProps {
  readonly title: string;
  readonly lead?: ComponentChildren;
  /** Beside the title. */
  readonly actions?: ComponentChildren;
  readonly width?: 'narrow' | 'wide';
  readonly children: ComponentChildren;
}

export const Page = ({ title, lead, actions, width = 'wide', children }: PageProps) => {
  const heading = useRef<HTMLHeadingElement>(null);
  const { visits } = useRouter();
  useEffect(() => {
    document.title = `${title} – Tollgate`;
  }, [title]);
  useEffect(() => {
    if (visits > 0) heading.current?.focus();
  }, [visits]);
  return (
    <div class={`page ${width}`}>
      <header class="page-head">
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {lead !== undefined && <p class="lead">{lead}</p>}
        </div>
        {actions !== undefined && <div class="actions">{actions}</div>}
      </header>
      <Flash />
      {children}
    </div>
  );
};

/**
 * Always there, so that a screen reader hears when something is put into it. It takes the focus: what the person pressed may
 * be gone, and the top of the page out of sight.
 */
const Flash = () => {
  const { t } = useWords();
  const { text, clear } = useFlash();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (text !== undefined) box.current?.focus();
  }, [text]);
  return (
    <div class="flash" role="status" tabIndex={-1} ref={box}>
      {text !== undefined && (
        <div class="notice done">
          <Icon name="check" />
          <p>{text}</p>
          <Button look="quiet" icon="close" label={t('action.dismiss')} onClick={clear} />
        </div>
      )}
    </div>
  );
};
