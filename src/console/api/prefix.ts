// Where the console lies: this script is a file of `P/assets/`, so the prefix P needs no setting here.

const here = import.meta.url;

/** With a slash at its end. */
export const prefix = new URL('..', here).pathname;
