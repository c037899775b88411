// The icons, drawn with lines: no font and no file to load. They say nothing to a screen reader, the text beside them does.

const paths = {
  add: 'M12 5v14M5 12h14',
  alert:
    'M12 9v4m0 3.5v.01M10.3 4.2 2.6 17.5A2 2 0 0 0 4.3 20.5h15.4a2 2 0 0 0 1.7-3L13.7 4.2a2 2 0 0 0-3.4 0Z',
  back: 'M19 12H5m6-6-6 6 6 6',
  building: 'M4 21V5a2 2 0 0 1 2-2h8a2 2 0 0 1 2 2v16m0-11h2a2 2 0 0 1 2 2v9M2 21h20M8 7h4M8 11h4M8 15h4',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  clock: 'M12 7v5l3 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  close: 'M6 6l12 12M18 6 6 18',
  copy: 'M9 9h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1ZM5 15H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v1',
  download: 'M12 4v11m-5-5 5 5 5-5M4 20h16',
  info: 'M12 11v5m0-8.5v.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  key: 'M15 9.5v.01M14 15a6 6 0 1 0-5.4-3.4L3 17.200V21h4v-2.500h2.500V16l1.700-1.700A6 6 0 0 0 14 15Z',
  leave: 'M14 8V5a1 1 0 0 0-1-1H5a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h8a1 1 0 0 0 1-1v-3m-5-4h12m-3-3 3 3-3 3',
  list: 'M9 6h11M9 12h11M9 18h11M4.500 6v.01M4.500 12v.01M4.500 18v.01',
  menu: 'M4 7h16M4 12h16M4 17h16',
  next: 'm9 6 6 6-6 6',
  previous: 'm15 6-6 6 6 6',
  print: 'M7 8V3h10v5M7 17H5a2 2 0 0 1-2-2v-5a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v5a2 2 0 0 1-2 2h-2M7 14h10v7H7Z',
  pulse: 'M3 12h4l3-8 4 16 3-8h4',
  refresh:
    'M20 11A8 8 0 0 0 5.600 6.800L4 8.500M4 4v4.500h4.500M4 13a8 8 0 0 0 14.400 4.200L20 15.500M20 20v-4.500h-4.500',
  search: 'm20 20-4.500-4.500M11 17a6 6 0 1 0 0-12 6 6 0 0 0 0 12Z',
  shield: 'M12 3 4.500 6v5.500c0 4.500 3.200 8 7.500 9.500 4.300-1.500 7.500-5 7.500-9.500V6L12 3Z',
  trash: 'M4 7h16M9 7V4h6v3m3 0-1 13a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1L6 7m4 4v6m4-6v6',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-8 9a8 8 0 0 1 16 0',
  users:
    'M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7Zm-6.500 9a6.500 6.500 0 0 1 13 0M16 4.300a3.500 3.500 0 0 1 0 6.500m2 3.400a6.500 6.500 0 0 1 3.500 5.800',
} as const;

export type IconName = keyof typeof paths;

export const Icon = ({ name }: { readonly name: IconName }) => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d={paths[name]} />
  </svg>
);

/** A raised barrier. */
export const Logo = () => (
  <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <rect width="32" height="32" rx="7" />
    <path d="M9 25V10M9 15 25 8M6 25h20" />
  </svg>
);
