// Names and values of one thing.

import type { ComponentChildren } from 'preact';

export const Facts = ({ children }: { readonly children: ComponentChildren }) => (
  <dl class="facts">{children}</dl>
);

export const Fact = ({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}) => (
  <div>
    <dt>{title}</dt>
    <dd>{children}</dd>
  </div>
);
