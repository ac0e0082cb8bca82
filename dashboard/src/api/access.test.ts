import { expect, it } from 'vitest';

import { mayChange, mayReadAudit } from './access';
import type { Access } from './types';

it.each([
  ['viewer', false, false],
  ['moderator', false, true],
  ['administrator', true, true],
  ['owner', true, true],
] as [Access, boolean, boolean][])(
  'whether a %s may change a server: %s, and read who changed what: %s',
  (access, changes, reads) => {
    expect(mayChange(access)).toBe(changes);
    expect(mayReadAudit(access)).toBe(reads);
  },
);

it('what the page does not know yet may change nothing', () => {
  expect(mayChange('editor' as Access)).toBe(false);
  expect(mayReadAudit('editor' as Access)).toBe(false);
});
