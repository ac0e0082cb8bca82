// The one place that speaks HTTP. Answers are typed by openapi.yaml; everything that goes wrong is an
// ApiError; an answer without session signs the page out.
import createClient from 'openapi-fetch';

import { language } from '../i18n/language.svelte';
import { setClock } from '../i18n/now';
import { ApiError, errorFrom } from './error';
import type { paths } from './schema';
import { session } from './session.svelte';
import type {
  ActivityRow,
  AuditRow,
  Grant,
  Leaderboard,
  LeaderboardKind,
  PointsHistory,
  Server,
  ServerDetail,
  Session,
  Setting,
  SettingChanged,
  Setup,
  SignIn,
} from './types';

const DEADLINE_MS = 10_000;
// The bot asks Discord and Kick meanwhile.
const SETUP_DEADLINE_MS = 60_000;

// `no-cache` asks the server each time, with the ETag of what the browser has kept.
const http = createClient<paths>({
  baseUrl: location.origin,
  fetch: (request) =>
    fetch(request, {
      cache: 'no-cache',
      credentials: 'same-origin',
      signal: AbortSignal.timeout(request.url.endsWith('/setup') ? SETUP_DEADLINE_MS : DEADLINE_MS),
    }),
});

http.use({
  onRequest({ request }) {
    request.headers.set('Accept-Language', language.current);
  },
  onResponse({ response }) {
    setClock(response);
  },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

async function settle<T>(pending: Promise<Answer<T>>): Promise<Answer<T>> {
  try {
    return await pending;
  } catch (cause) {
    throw new ApiError('unreachable', cause instanceof Error ? cause.message : String(cause));
  }
}

async function take<T>(pending: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await settle(pending);
  if (response.ok) return data as T;
  if (response.status === 401) session.lost();
  throw errorFrom(response.status, error);
}

type CsrfHeader = { 'X-CSRF-Token': string };

/** Another tab may have signed in anew since this one read its token: then once more with the new one. */
async function change<T>(call: (header: CsrfHeader) => Promise<Answer<T>>): Promise<T> {
  const attempt = () => take(call({ 'X-CSRF-Token': session.csrfToken }));
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'forbidden') throw error;
  }
  await readSession();
  return attempt();
}

/** How somebody can sign in here. */
export function readSignIn(): Promise<SignIn> {
  return take(http.GET('/api/v1/sign-in'));
}

export async function readSession(): Promise<Session> {
  const answer = await take(http.GET('/api/v1/session'));
  session.began(answer);
  return answer;
}

export async function signIn(code: string): Promise<void> {
  const { error, response } = await settle(http.POST('/api/v1/session', { body: { code } }));
  if (!response.ok) throw errorFrom(response.status, error);
  await readSession();
}

export async function signOut(): Promise<void> {
  await change((header) => http.DELETE('/api/v1/session', { params: { header } }));
  session.left();
}

/** What the operator has to set right, looked at now. */
export function readSetup(): Promise<Setup> {
  return take(http.GET('/api/v1/setup'));
}

export async function listServers(): Promise<Server[]> {
  return (await take(http.GET('/api/v1/servers'))).servers;
}

export function readServer(server: string): Promise<ServerDetail> {
  return take(http.GET('/api/v1/servers/{server}', { params: { path: { server } } }));
}

export function readLeaderboard(server: string, of: LeaderboardKind, limit: number): Promise<Leaderboard> {
  const params = { path: { server }, query: { of, limit } };
  return take(http.GET('/api/v1/servers/{server}/leaderboard', { params }));
}

export function readPointsHistory(server: string, hours: number): Promise<PointsHistory> {
  const params = { path: { server }, query: { hours } };
  return take(http.GET('/api/v1/servers/{server}/points/history', { params }));
}

export async function readActivity(server: string, limit: number): Promise<ActivityRow[]> {
  const params = { path: { server }, query: { limit } };
  return (await take(http.GET('/api/v1/servers/{server}/activity', { params }))).rows;
}

export async function listSettings(server: string): Promise<Setting[]> {
  const params = { path: { server } };
  return (await take(http.GET('/api/v1/servers/{server}/settings', { params }))).settings;
}

/** `value` null: back to the default. `expected`: the server's own value that the person saw. */
export function changeSetting(
  server: string,
  key: string,
  value: string | null,
  expected: string | null,
): Promise<SettingChanged> {
  return change((header) =>
    http.PUT('/api/v1/servers/{server}/settings/{key}', {
      params: { path: { server, key }, header },
      body: { value, expected },
    }),
  );
}

export async function readAudit(server: string, limit: number): Promise<AuditRow[]> {
  const params = { path: { server }, query: { limit } };
  return (await take(http.GET('/api/v1/servers/{server}/audit', { params }))).rows;
}

/** The server listens to its Kick channel no more. */
export async function disconnectKick(server: string): Promise<void> {
  await change((header) =>
    http.DELETE('/api/v1/servers/{server}/kick', { params: { path: { server }, header } }),
  );
}

export async function listChannels(): Promise<Grant[]> {
  return (await take(http.GET('/api/v1/channels'))).channels;
}

/** Takes back what was granted for a channel: for one server, or altogether. */
export async function withdrawChannel(channel: string, server?: string): Promise<void> {
  await change((header) =>
    server === undefined
      ? http.DELETE('/api/v1/channels/kick/{channel}', { params: { path: { channel }, header } })
      : http.DELETE('/api/v1/channels/kick/{channel}/servers/{server}', {
          params: { path: { channel, server }, header },
        }),
  );
}

/** Posts a live alert that is marked as a test. */
export async function postTestAlert(server: string): Promise<void> {
  await change((header) =>
    http.POST('/api/v1/servers/{server}/live-alert/test', { params: { path: { server }, header } }),
  );
}

/** The address at Kick where the streamer gives consent. */
export async function connectKick(server: string): Promise<string> {
  const answer = await change((header) =>
    http.POST('/api/v1/servers/{server}/kick/connect', { params: { path: { server }, header } }),
  );
  return answer.url;
}
