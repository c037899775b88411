// Changes the settings of a gate that runs.
//
//   await reload(gate, { routes });                       // writes, sends SIGHUP, waits for what the log says of it
//   change(gate, { routes });                             // writes only

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { type GateProcess, type LogLine, until } from './gate-process.ts';

const isOutcome = ({ msg }: LogLine): boolean => msg.startsWith('the settings were read again and ');

/** What the log says of each reload so far. */
export const reloads = (gate: GateProcess): readonly LogLine[] => gate.lines().filter(isOutcome);

/** Replaces groups in the settings file, by a rename; undefined: removes one. */
export const change = (gate: GateProcess, groups: Readonly<Record<string, unknown>>): void => {
  const settings: unknown = JSON.parse(readFileSync(gate.settingsFile, 'utf8'));
  const written = `${gate.settingsFile}.new`;
  writeFileSync(written, JSON.stringify({ ...(settings as object), ...groups }, undefined, 2));
  renameSync(written, gate.settingsFile);
};

export const reload = async (
  gate: GateProcess,
  groups: Readonly<Record<string, unknown>> = {},
): Promise<LogLine> => {
  change(gate, groups);
  const before = reloads(gate).length;
  gate.child.kill('SIGHUP');
  await until(() => reloads(gate).length > before);
  return reloads(gate)[before]!;
};
