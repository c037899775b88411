// Reads a server's INFO text.

/** The value of one field; empty when the server does not tell it. */
export const infoField = (info: string, name: string): string =>
  new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
