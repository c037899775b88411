// Copies a text to the clipboard and says so.

import { useState } from 'preact/hooks';
import { useWords } from '../session/preferences.tsx';
import { Button } from './button.tsx';

export interface CopyButtonProps {
  readonly text: string;
  readonly children: string;
  readonly look?: 'primary' | 'plain' | 'quiet';
  readonly onCopied?: () => void;
}

export const CopyButton = ({ text, children, look = 'plain', onCopied }: CopyButtonProps) => {
  const { t } = useWords();
  const [result, setResult] = useState<'copied' | 'failed' | undefined>(undefined);
  const copy = async (): Promise<void> => {
    try {
      await window.navigator.clipboard.writeText(text);
      setResult('copied');
      onCopied?.();
    } catch {
      setResult('failed');
    }
  };
  return (
    <span class="copy">
      <Button look={look} icon={result === 'copied' ? 'check' : 'copy'} onClick={() => void copy()}>
        {children}
      </Button>
      <span role="status">
        {result === 'copied' && t('copy.done')}
        {result === 'failed' && t('copy.failed')}
      </span>
    </span>
  );
};
