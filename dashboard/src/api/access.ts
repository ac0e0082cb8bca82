// What somebody may do at a server. The server has the last word; the page only does not offer what it
// would refuse.
import type { Access } from './types';

const CHANGING: readonly Access[] = ['administrator', 'owner'];

const MANAGING: readonly Access[] = ['moderator', ...CHANGING];

/** Settings, points and the connection to Kick. Everybody else who may open a server looks at them. */
export function mayChange(access: Access): boolean {
  return CHANGING.includes(access);
}

/** Who changed what. */
export function mayReadAudit(access: Access): boolean {
  return MANAGING.includes(access);
}
