// Requests as bytes, with as little in them as can be.

/** Header lines and an empty one; `Host` and the end of the connection are added unless a line begins so. */
export const request = (startLine: string, lines: readonly string[] = [], body = ''): string => {
  const has = (name: string): boolean => lines.some((line) => line.toLowerCase().startsWith(name));
  return [
    startLine,
    ...(has('host:') ? [] : ['Host: api.example']),
    ...lines,
    ...(has('connection:') ? [] : ['Connection: close']),
    '',
    body,
  ].join('\r\n');
};

export const get = (target: string, ...lines: readonly string[]): string =>
  request(`GET ${target} HTTP/1.1`, lines);
