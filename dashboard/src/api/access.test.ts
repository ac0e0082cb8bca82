import { expect, it } from 'vitest';

import { mayChange } from './access';
import type { Access } from './types';

it.each([
  ['viewer', false],
  ['moderator', false],
  ['administrator', true],
  ['owner', true],
] as [Access, boolean][])('whether a %s may change a server: %s', (access, may) => {
  expect(mayChange(access)).toBe(may);
});

it('what the page does not know yet may change nothing', () => {
  expect(mayChange('editor' as Access)).toBe(false);
});
