// Issue 9: each kind of bytes through nginx 1.22, HAProxy 2.6 and Caddy 2.6 (Debian 12) and through Tollgate, in front of the same
// raw API. Every difference is in differential/table.yaml, with the reason where Tollgate is not as most are: the test fails when one is
// new, and when one is gone.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { connectRaw } from '../support/raw-client.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import type { Case } from './differential/case.ts';
import { cases } from './differential/cases.ts';
import { describeAnswers, describeRequests, isWhole } from './differential/normal-form.ts';
import { answering, ok } from './differential/scripted-api.ts';
import { missingPrograms, startSubjects, type Subject } from './differential/subjects.ts';

t.setTimeout(180_000);

const missing = missingPrograms();

t.test(
  'Tollgate makes of each kind of bytes what nginx, HAProxy and Caddy make of it, but for what is listed',
  { skip: missing.length > 0 && `needs ${missing.join(', ')}` },
  async (t) => {
    const subjects = await startSubjects(t);
    const table = readTable();
    t.same(
      [...table.keys()].toSorted(),
      cases.map(({ name }) => name).toSorted(),
      'each case is in the table once',
    );
    for (const each of cases)
      await t.test(each.name, (t) => compare(t, each, subjects, table.get(each.name)));
  },
);

/** What each makes of a case by the table, and why Tollgate is not as the others. */
interface Row {
  /** Several: it is a matter of time which. */
  readonly made: ReadonlyMap<string, readonly string[]>;
  readonly why: string | undefined;
}

type Written = Readonly<Record<string, string | readonly string[]>>;

/** A key names one or several: `nginx, caddy`. One that has no such door is in no key. */
const parseRow = ({ why, ...keys }: Written): Row => {
  const made = Object.entries(keys).flatMap(([names, what]) =>
    names.split(', ').map((name) => [name, [what].flat()] as const),
  );
  return { made: new Map(made), why: why === undefined ? undefined : String(why) };
};

const readTable = (): ReadonlyMap<string, Row> => {
  const file = join(import.meta.dirname, 'differential/table.yaml');
  const written = parse(readFileSync(file, 'utf8')) as Readonly<Record<string, Written>>;
  return new Map(Object.entries(written).map(([name, row]) => [name, parseRow(row)]));
};

const compare = async (
  t: Test,
  each: Case,
  subjects: readonly Subject[],
  row: Row | undefined,
): Promise<void> => {
  const found = await Promise.all(
    subjects.map(async (subject) => [subject.name, await observe(each, subject)] as const),
  );
  const made = Object.fromEntries(found.filter(([, what]) => what !== undefined));
  const listed = [...(row?.made ?? [])].map(([name, either]) => {
    const what = made[name];
    return [name, what !== undefined && either.includes(what) ? what : either.join(' | ')] as const;
  });
  t.same(made, Object.fromEntries(listed), 'as the table has it');
  const { tollgate, ...others } = made;
  const judged = Object.values(others);
  const alike = judged.filter((what) => what === tollgate).length;
  const isAlone = alike < judged.length / 2;
  t.equal(row?.why !== undefined, isAlone, isAlone ? 'the table says why' : 'there is nothing to explain');
};

/** Undefined: the subject has no such door. */
const observe = async (
  {
    send,
    answer = answering(ok),
    door = 'plain',
    api: ofApi = [],
    caller: ofCaller = [],
    methods,
    stays,
  }: Case,
  { api, ports }: Subject,
): Promise<string | undefined> => {
  const port = ports[door];
  if (port === undefined) return undefined;
  api.play(answer);
  const caller = await connectRaw(port);
  try {
    if (typeof send === 'string') caller.send(send);
    else await send(caller, api);
    const sent = methods ?? [typeof send === 'string' ? (send.split(' ')[0] ?? '') : 'GET'];
    const how = await endOf(caller, () => stays === true && isWhole(caller.received, sent));
    const made = `${describeRequests(api.seen, ofApi)} -> ${describeAnswers(caller.received, how, sent, ofCaller)}`;
    return made.replaceAll(`127.0.0.1:${api.port}`, 'the API');
  } finally {
    caller.socket.destroy();
  }
};

/** Longer than any of them lingers. */
const patienceMs = 2_000;

/** `isEnough`: whether it may stay open with what has been received. */
const endOf = async (caller: RawConnection, isEnough: () => boolean): Promise<'end' | 'reset' | 'open'> => {
  const { promise: late, resolve } = Promise.withResolvers<'open' | 'end'>();
  const timer = setTimeout(() => resolve('open'), patienceMs);
  const look = (): void => {
    if (isEnough()) resolve('end');
  };
  caller.socket.on('data', look);
  look();
  const how = await Promise.race([caller.closed, late]);
  clearTimeout(timer);
  return how;
};
