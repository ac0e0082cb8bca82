// A request that did not succeed, in the server's words where it has said something.

export class ApiError extends Error {
  constructor(
    /** A code of openapi.yaml, or `unreachable` (no answer in time) or `failed` (an answer that says nothing). */
    readonly code: string,
    message: string,
    readonly hint = '',
    readonly field?: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

const CODE_OF_STATUS: Record<number, string> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'too_large',
  429: 'rate_limited',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
};

/** Tolerant: a proxy in between may answer with a page of its own. */
export function errorFrom(status: number, body: unknown): ApiError {
  const error = isRecord(body) && isRecord(body.error) ? body.error : {};
  const code = text(error.code) || (CODE_OF_STATUS[status] ?? 'failed');
  return new ApiError(code, text(error.message), text(error.hint), text(error.field) || undefined);
}
