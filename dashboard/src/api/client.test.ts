import { beforeEach, describe, expect, it, vi } from 'vitest';

import { language } from '../i18n/language.svelte';
import { failure, OPERATOR, serve } from '../testing';
import { changeSetting, listServers, readLeaderboard, readServer, signIn } from './client';
import { session } from './session.svelte';

const SESSION = { ...OPERATOR, csrf_token: 'new' };

beforeEach(() => {
  language.choose('en');
  session.began({ ...SESSION, csrf_token: 'old' });
});

describe('requests', () => {
  it('go to the addresses of the contract, in the language of the page', async () => {
    const calls = serve(() => ({ body: { of: 'points', rows: [] } }));
    language.choose('de');
    await readLeaderboard('-7', 'points', 10);
    expect(calls[0]?.path).toBe('/api/v1/servers/-7/leaderboard?of=points&limit=10');
    expect(calls[0]?.headers.get('Accept-Language')).toBe('de');
  });

  it('that change something carry the CSRF token and what was expected', async () => {
    const calls = serve(() => ({ body: { key: 'language', before: null, after: 'de' } }));
    await changeSetting('1', 'language', 'de', null);
    expect(calls[0]).toMatchObject({ method: 'PUT', path: '/api/v1/servers/1/settings/language' });
    expect(calls[0]?.body).toEqual({ value: 'de', expected: null });
    expect(calls[0]?.headers.get('X-CSRF-Token')).toBe('old');
  });

  it('are made once more with the new token after another tab has signed in', async () => {
    const calls = serve(({ method, headers }) => {
      if (method === 'GET') return { body: SESSION };
      if (headers.get('X-CSRF-Token') !== 'new') return failure(403, 'forbidden');
      return { body: { key: 'language', before: null, after: 'de' } };
    });
    await expect(changeSetting('1', 'language', 'de', null)).resolves.toMatchObject({ after: 'de' });
    expect(calls.map((call) => call.method)).toEqual(['PUT', 'GET', 'PUT']);
  });

  it('that stay forbidden are not repeated for ever', async () => {
    const calls = serve(({ method }) => (method === 'GET' ? { body: SESSION } : failure(403, 'forbidden')));
    await expect(changeSetting('1', 'language', 'de', null)).rejects.toMatchObject({ code: 'forbidden' });
    expect(calls).toHaveLength(3);
  });
});

describe('failures', () => {
  it("carry the server's words", async () => {
    serve(() => failure(400, 'invalid', 'must be 1 to 8 characters', 'value'));
    await expect(changeSetting('1', 'command_prefix', 'too long', null)).rejects.toMatchObject({
      code: 'invalid',
      message: 'must be 1 to 8 characters',
      field: 'value',
    });
  });

  it('sign the page out when there is no session', async () => {
    serve(() => failure(401, 'unauthenticated'));
    await expect(listServers()).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(session.status).toBe('out');
    expect(session.expired).toBe(true);
  });

  it('of a proxy in between are understood by their status', async () => {
    vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response('<h1>Bad gateway</h1>', { status: 502 }));
    await expect(readServer('1')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('without an answer are told apart', async () => {
    vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('Failed to fetch'));
    await expect(listServers()).rejects.toMatchObject({ code: 'unreachable' });
    expect(session.status).toBe('in');
  });
});

describe('the sign-in', () => {
  it('reads the session that it has begun', async () => {
    serve(({ method }) => (method === 'POST' ? { status: 204 } : { body: SESSION }));
    session.left();
    await signIn('CODE');
    expect(session.status).toBe('in');
    expect(session.csrfToken).toBe('new');
  });

  it('with a wrong code does not count as a session that ended', async () => {
    serve(() => failure(401, 'unauthenticated'));
    session.left();
    await expect(signIn('WRONG')).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(session.expired).toBe(false);
  });
});
