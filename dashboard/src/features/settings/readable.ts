// A value of a setting as people read it.
import type { Setting } from '../../api/types';
import { named, t } from '../../i18n/text';

export function readable(setting: Setting, value: string | null): string {
  if (value === null || value === '') return t('settings.nothing');
  if (setting.type === 'boolean') return value === 'true' ? t('state.on') : t('state.off');
  return setting.choices.includes(value) ? named(setting.key, value) : value;
}
