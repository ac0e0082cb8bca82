// What a line of the activity says.
import type { ActivityRow } from '../../api/types';
import type { IconName } from '../../components/Icon.svelte';
import { formatChange } from '../../i18n/format';
import { type Arguments, type Key, pluralKey } from '../../i18n/text';

const ICONS: Record<ActivityRow['kind'], IconName> = {
  stream_live: 'stream',
  stream_offline: 'stream',
  gifted_subs: 'gift',
  member_joined: 'person',
  member_left: 'person',
  points_changed: 'coins',
  linked: 'link',
  unlinked: 'unlink',
};

/** A kind that this page does not know yet has the neutral mark. */
export function iconOf(row: ActivityRow): IconName {
  return ICONS[row.kind] ?? 'info';
}

export function describe(row: ActivityRow): { text: Key; args: Arguments } {
  const { kind, name } = row;
  const amount = row.amount ?? 0;
  switch (kind) {
    case 'gifted_subs':
      return { text: pluralKey('activity.gifted_subs', amount), args: { name, count: amount } };
    case 'points_changed':
      return {
        text: pluralKey('activity.points_changed', amount),
        args: { name, amount: formatChange(amount) },
      };
    case 'stream_live':
    case 'stream_offline':
    case 'member_joined':
    case 'member_left':
    case 'linked':
    case 'unlinked':
      return { text: `activity.${kind}`, args: { name } };
    default:
      return { text: 'activity.other', args: { name } };
  }
}
