// What a reload keeps, and what it makes anew.

import { t } from 'tap';
import { keep } from '../../src/gate/keep.ts';

t.test('a part lives on while its settings are equal and the parts it rests on are the same', async (t) => {
  const base = {};
  let made = 0;
  const make = () => ({ number: (made += 1) });
  const first = keep(undefined, { limit: 1, names: ['a'] }, [base], make);
  t.equal(keep(first, { limit: 1, names: ['a'] }, [base], make), first, 'equal settings, read anew');
  t.equal(made, 1);
  const second = keep(first, { limit: 2, names: ['a'] }, [base], make);
  t.equal(second.number, 2, 'other settings');
  t.equal(keep(second, { limit: 2, names: ['a'] }, [{}], make).number, 3, 'another part below');
  t.equal(keep(first, { limit: 1, names: ['a'] }, [base], make), first, 'and what was before is as it was');
});
