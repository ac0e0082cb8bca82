// Failures in words. What is the same everywhere stands in our catalogue, in the page's language; what
// only the server can know is in its own words.
import type { ApiError } from '../api/error';
import { isKey, t } from './text';

export interface Words {
  message: string;
  hint: string;
}

const OURS = ['unreachable', 'forbidden', 'rate_limited', 'too_large'];

function ours(prefix: string, code: string): string {
  const key = `${prefix}.${code}`;
  return isKey(key) ? t(key) : '';
}

/** The server's messages begin small and end open, as those of a command line do. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  const end = /[.!?…]$/.test(trimmed) ? '' : '.';
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1) + end;
}

export function explain(error: ApiError): Words {
  if (!OURS.includes(error.code) && error.message !== '') {
    return { message: sentence(error.message), hint: sentence(error.hint) };
  }
  return { message: ours('error', error.code) || t('error.failed'), hint: ours('error_hint', error.code) };
}

/** The same as one line. */
export function inOneLine({ message, hint }: Words): string {
  return `${message} ${hint}`.trim();
}
