// Failures in words: the server's own where it has said something, else ours.
import type { ApiError } from '../api/error';
import { isKey, t } from './text';

export interface Words {
  message: string;
  hint: string;
}

function ours(prefix: string, code: string): string {
  const key = `${prefix}.${code}`;
  return isKey(key) ? t(key) : '';
}

export function explain(error: ApiError): Words {
  const server = error.code === 'unreachable' ? '' : error.message;
  return {
    message: server || ours('error', error.code) || t('error.failed'),
    hint: error.hint || ours('error_hint', error.code),
  };
}
