// Which versions of Node.js may run this. Plain enough for an old one to read, and without imports, because it is asked
// before anything else is loaded.

/** First safe version of each supported line: CVE-2026-58044 lets requests be smuggled through a proxy. */
const safe: readonly (readonly [major: number, minor: number, patch: number])[] = [
  [22, 23, 2],
  [24, 18, 1],
  [26, 5, 1],
];

/** Why this version may not run Tollgate; undefined when it may. A line newer than all known ones may. */
export const nodeFault = (version: string): string | undefined => {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const newest = safe[safe.length - 1];
  if (newest !== undefined && major > newest[0]) return undefined;
  const line = safe.find((one) => one[0] === major);
  if (line !== undefined && (minor > line[1] || (minor === line[1] && patch >= line[2]))) return undefined;
  const wanted = safe.map((one) => one.join('.')).join(', ');
  return (
    `tollgate: Node.js ${version} has known holes in its HTTP parser (CVE-2026-58044) or is too old. ` +
    `Install ${wanted} or newer: https://nodejs.org`
  );
};
