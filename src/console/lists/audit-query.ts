// What the audit is asked for, in the address of the page and in the API's query. Times are typed in the person's own zone.

export interface AuditQuery {
  readonly action: string;
  readonly user: string;
  readonly result: 'any' | 'done' | 'refused';
  /** As the browser's field writes them: `2026-11-27T20:15`. */
  readonly from: string;
  readonly until: string;
}

export const auditResults = ['any', 'done', 'refused'] as const;

export const parseAuditQuery = (query: string): AuditQuery => {
  const parameters = new URLSearchParams(query);
  const text = (name: string): string => (parameters.get(name) ?? '').slice(0, 128);
  return {
    action: text('action'),
    user: text('user'),
    result: auditResults.find((each) => each === parameters.get('result')) ?? 'any',
    from: text('from'),
    until: text('until'),
  };
};

export const printAuditQuery = (query: AuditQuery): string => {
  const parameters = new URLSearchParams();
  for (const name of ['action', 'user', 'result', 'from', 'until'] as const)
    if (query[name] !== '' && query[name] !== 'any') parameters.set(name, query[name]);
  return parameters.toString();
};

export const askAudit = (
  { action, user, result, from, until }: AuditQuery,
  cursor: string | undefined,
  limit: number,
): Readonly<Record<string, string | undefined>> => ({
  action: action.trim() === '' ? undefined : action.trim(),
  user: user.trim() === '' ? undefined : user.trim(),
  result: result === 'any' ? undefined : result,
  from: timeOf(from),
  until: timeOf(until),
  cursor,
  limit: String(limit),
});

const timeOf = (text: string): string | undefined => {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
};
