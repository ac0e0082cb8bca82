import { describe, expect, it } from 'vitest';

import { render } from '../testing';
import Leaderboard from './Leaderboard.svelte';

const HOSTILE = [
  '<script>window.pwned = true</script>',
  '<img src=x onerror="window.pwned = true">',
  '"><svg onload=window.pwned=true>',
  "'; DROP TABLE persons; --",
  '{{constructor.constructor("window.pwned = true")()}}',
  '{@html "<b>x</b>"}',
  '&lt;b&gt;&amp;nbsp;',
  '\u202Eesrever\u202C',
  'javascript:window.pwned=true',
  'a'.repeat(500),
];

function show(names: string[]): HTMLElement {
  const rows = names.map((name, index) => ({
    rank: index + 1,
    person: String(index + 1),
    name,
    identities: ['kick' as const],
    value: 100 - index,
  }));
  return render(Leaderboard, { rows, caption: 'Most points', valueLabel: 'Points', format: String });
}

describe('a leaderboard', () => {
  it('shows hostile names as the text that they are', () => {
    const table = show(HOSTILE);
    const shown = [...table.querySelectorAll('tbody bdi')].map((name) => name.textContent);
    expect(shown).toEqual(HOSTILE);
    expect(table.querySelectorAll('tbody :is(script, img, svg, b, a)')).toHaveLength(0);
    expect(window).not.toHaveProperty('pwned');
  });

  it('keeps the order and the ranks that the server has given', () => {
    const table = show(['Mara', 'Kim', 'Zed']);
    const cells = [...table.querySelectorAll('tbody tr')].map((row) =>
      [...row.querySelectorAll('td')].map((cell) => cell.textContent?.trim()),
    );
    expect(cells.map(([rank, , value]) => [rank, value])).toEqual([
      ['1', '100'],
      ['2', '99'],
      ['3', '98'],
    ]);
  });

  it('has a name and headings for who cannot see it', () => {
    const table = show(['Mara']);
    expect(table.querySelector('caption')?.textContent).toBe('Most points');
    for (const heading of table.querySelectorAll('th')) expect(heading.textContent?.trim()).not.toBe('');
  });
});
