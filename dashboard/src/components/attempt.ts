// For actions that have no place of their own for an error.
import { ApiError } from '../api/error';
import { explain, inOneLine } from '../i18n/errors';
import { toasts } from './toasts.svelte';

export async function attempt(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toasts.complain(inOneLine(explain(error)));
  }
}
