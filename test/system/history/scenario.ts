// A scenario: a deployment, the faults it suffers, and how to run and judge it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { bounds } from './gate-settings.ts';
import { judge } from './judge.ts';
import { makePlan } from './plan.ts';
import { type Figures, figuresOf } from './figures.ts';
import { type Deployment, runPlan } from './run-plan.ts';
import { storyOf } from './story.ts';

export interface Scenario {
  readonly name: string;
  /** Starts stores and replicas that end with the test; a string: why it cannot be done here. */
  readonly deploy: (t: Test) => Promise<Deployment | string>;
  readonly faultKinds: readonly string[];
  readonly faults: number;
}

/** Of the violations of one run this many are told; the others are likely the same. */
const storiesMax = 3;

/** Runs a scenario with a seed; fails the test for each kind of violation, with the story. Undefined: it cannot run here. */
export const runScenario = async (
  t: Test,
  { name, deploy, faultKinds, faults }: Scenario,
  { seed, operations }: { readonly seed: string; readonly operations: number },
): Promise<Figures | undefined> => {
  const deployment = await deploy(t);
  if (typeof deployment === 'string') {
    t.pass(`not run: ${deployment}`);
    return undefined;
  }
  const plan = makePlan({ seed: `${seed}/${name}`, operations, faultKinds, faults });
  const history = await runPlan(deployment, plan, bounds);
  const violations = judge(history);
  const { HISTORIES: directory } = process.env;
  if (directory !== undefined)
    writeFileSync(
      join(directory, `${name.replaceAll(/[^a-z]+/gi, '-')}.json`),
      JSON.stringify({ ...history, credentials: [...history.credentials.values()] }, undefined, 1),
    );
  t.equal(violations.length, 0, `no violation with SEED=${seed}`);
  for (const violation of violations.slice(0, storiesMax)) t.comment(storyOf(history, violation));
  return figuresOf(name, history, violations);
};
