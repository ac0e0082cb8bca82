// What the journeys, the fault tests and the browser tests need: the binary, temporary folders, HTTP,
// and processes that end with the test that started them.
import { spawn, execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(fileURLToPath(import.meta.url), '../../..');
export const binary = process.env.GUILDHALL_BIN ?? join(root, 'build/release/guildhall');
export const full = process.env.GUILDHALL_FULL === '1';

const children = new Map(); // what runs, and what it last said
const folders = new Set();
process.on('exit', () => {
  for (const child of children.keys()) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'guildhall-test-'));
  folders.add(folder);
  return folder;
}

export const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** The last lines of each process that a test started, for the reader of its failure. */
const lastWords = () => [...children.values()].map(({ name, stderr }) => `\n-- ${name}\n${stderr().split('\n').slice(-25).join('\n')}`).join('');

/** Waits until `question` answers something true, and returns that. */
export async function until(what, question, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    let answer;
    try {
      answer = await question();
    } catch (error) {
      if (Date.now() > end) throw new Error(`${what}: ${error.message}${lastWords()}`);
    }
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}${lastWords()}`);
    await sleep(50);
  }
}

const lowestPort = 20_000;

/**
 * A port for a server that is stopped and started again: none that the system hands out by itself, since such a one may
 * belong to somebody's connection by the time the server is back; and above those that fetch refuses to ask.
 */
export async function freePort() {
  for (let tries = 0; tries < 100; ++tries) {
    const port = randomInt(lowestPort, firstPortOfConnections());
    const server = createServer();
    const free = await new Promise((done) => server.once('error', () => done(false)).listen(port, '127.0.0.1', () => done(true)));
    if (!free) continue;
    await new Promise((done) => server.close(done));
    return port;
  }
  throw new Error(`no free port from ${lowestPort} to ${firstPortOfConnections()}`);
}

function firstPortOfConnections() {
  try {
    return Math.max(lowestPort + 100, Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/)[0]));
  } catch {
    return 32_768;
  }
}

/** Runs a command to its end: {code, stdout, stderr}; `input` is what it reads. */
export function run(args, options = {}) {
  return new Promise((done) => {
    const child = execFile(options.program ?? binary, args, { env: cleanEnvironment(options.env), cwd: options.cwd, timeout: options.timeout ?? 60_000 }, (error, stdout, stderr) =>
      done({ code: error ? (error.code ?? 1) : 0, stdout, stderr }));
    if (options.input !== undefined) child.stdin.end(options.input);
  });
}

function cleanEnvironment(extra = {}) {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GUILDHALL_')));
  return { ...environment, ...extra };
}

/** A process that goes on: {child, log(), stop(signal), ended}. */
export function start(args, options = {}) {
  const child = spawn(options.program ?? binary, args, { env: cleanEnvironment(options.env), cwd: options.cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  children.set(child, { name: args.join(' '), stderr: () => errors });
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (errors += data));
  const ended = new Promise((done) => child.on('exit', (code, signal) => {
    errors += `ended with ${signal ?? code}\n`;
    if (code === 0 || signal === 'SIGKILL' || signal === 'SIGTERM') children.delete(child);
    done({ code, signal });
  }));
  return {
    child,
    ended,
    stdout: () => output,
    stderr: () => errors,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}

export async function http(method, url, body, headers = {}) {
  const response = await fetch(url, {
    method,
    headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    body: body === undefined ? undefined : typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
    redirect: 'manual',
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json };
}

/** The simulated platforms as a process of their own. */
export async function startSim(extra = []) {
  const sim = start(['sim', '--json', ...extra]);
  const line = await until('the simulation to print its contract', () => sim.stdout().split('\n')[0] || null);
  const contract = JSON.parse(line);
  const control = (method, path, body) => http(method, contract.control + path, body).then((answer) => {
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.json;
  });
  return { ...sim, contract, get: (path) => control('GET', path), post: (path, body = {}) => control('POST', path, body) };
}

/** What points a bot at a simulation. */
export function simEnvironment(contract) {
  return {
    GUILDHALL_DISCORD_TOKEN: contract.discord.token,
    GUILDHALL_DISCORD_API_URL: contract.discord.rest,
    GUILDHALL_DISCORD_GATEWAY_URL: contract.discord.gateway,
    GUILDHALL_DISCORD_CLIENT_SECRET: contract.discord.client_secret,
    GUILDHALL_KICK_CLIENT_ID: contract.kick.client_id,
    GUILDHALL_KICK_CLIENT_SECRET: contract.kick.client_secret,
    GUILDHALL_KICK_OAUTH_URL: contract.kick.oauth,
    GUILDHALL_KICK_API_URL: contract.kick.api,
  };
}

/** The application's event subscriptions, as it could ask Kick itself. */
export async function kickSubscriptions({ kick }) {
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: kick.client_id, client_secret: kick.client_secret });
  const { access_token: token } = await (await fetch(`${kick.oauth}/oauth/token`, { method: 'POST', body: form })).json();
  const url = `${kick.api}/public/v1/events/subscriptions`;
  const headers = { authorization: `Bearer ${token}` };
  const list = async () => (await (await fetch(url, { headers })).json()).data;
  const erase = async (ids) => fetch(`${url}?${ids.map((id) => `id=${id}`).join('&')}`, { method: 'DELETE', headers });
  return { list, erase };
}

const cookiesOf = (answer) => answer.headers.getSetCookie().map((cookie) => cookie.split(';')[0]).join('; ');

/** A bot on its own data folder and port. */
export class Bot {
  #processes = []; // it may have been started again

  constructor({ dataDir, port, env = {}, args = [] }) {
    Object.assign(this, { dataDir, port, env, args, url: `http://127.0.0.1:${port}` });
  }

  begin() {
    this.process = start(['run', '--data-dir', this.dataDir, '--listen', `127.0.0.1:${this.port}`, ...this.args], { env: this.env });
    this.#processes.push(this.process);
    return this.process;
  }
  /** What it has written since its first start. */
  printed() {
    return this.#processes.map(({ stdout, stderr }) => stdout() + stderr()).join('');
  }
  async ready(seconds = 30) {
    await until('the bot to be ready', async () => {
      if (this.process.child.exitCode !== null) throw new Error(`it ended: ${this.process.stderr()}`);
      return (await http('GET', `${this.url}/readyz`)).status === 200;
    }, seconds);
  }
  command(...args) {
    return run([...args, '--data-dir', this.dataDir], { env: this.env });
  }
  async commandJson(...args) {
    const result = await this.command(...args, '--json');
    if (result.code !== 0) throw new Error(`${args.join(' ')}: ${result.stderr}`);
    return JSON.parse(result.stdout);
  }

  /** Signs in; the returned function calls the API. */
  async signIn() {
    const { code } = await this.commandJson('login-code');
    const answer = await http('POST', `${this.url}/api/v1/session`, { code });
    if (answer.status !== 204) throw new Error(`sign-in: ${answer.status} ${answer.text}`);
    const cookie = answer.headers.get('set-cookie').split(';')[0];
    const session = await http('GET', `${this.url}/api/v1/session`, undefined, { cookie });
    const api = (method, path, body, headers = {}) =>
      http(method, path.startsWith('http') ? path : this.url + path, body, { cookie, 'x-csrf-token': session.json.csrf_token, ...headers });
    api.cookie = cookie;
    return api;
  }

  /** Signs in by Discord as that user: {where he comes out, api}. */
  async signInByDiscord(user, to = '/') {
    const away = await http('GET', `${this.url}/auth/discord/start?to=${encodeURIComponent(to)}`);
    const consent = await http('GET', `${away.headers.get('location')}&as=${user}`);
    const back = await http('GET', consent.headers.get('location'), undefined, { cookie: cookiesOf(away) });
    let cookie = cookiesOf(back);
    const session = await http('GET', `${this.url}/api/v1/session`, undefined, { cookie });
    const api = async (method, path, body) => {
      const answer = await http(method, this.url + path, body, { cookie, 'x-csrf-token': session.json.csrf_token });
      cookie = cookiesOf(answer) || cookie; // another one, where his rights have changed
      return answer;
    };
    return { where: back.headers.get('location'), session: session.json, api, cookie: () => cookie };
  }

  /** Each streamer consents that the servers for which the world suggests his channel listen to it. */
  async bindTo(world) {
    const api = await this.signIn();
    for (const { id: server, suggested_kick_channel: slug } of world.servers) {
      await until(`server ${server} to be there`, async () => (await api('GET', `/api/v1/servers/${server}`)).status === 200);
      const { json } = await api('POST', `/api/v1/servers/${server}/kick/connect`, {});
      const consent = await http('GET', `${json.url}&as=${slug}`);
      await api('GET', consent.headers.get('location'));
    }
    await this.#hears(new Set(world.servers.map((server) => server.suggested_kick_channel)).size);
    return api;
  }

  /** Waits until Kick posts what happens in so many channels; not for long, since a test may keep it from that. */
  async #hears(channels) {
    const { GUILDHALL_KICK_CLIENT_ID, GUILDHALL_KICK_CLIENT_SECRET, GUILDHALL_KICK_OAUTH_URL, GUILDHALL_KICK_API_URL } = this.env;
    const kick = await kickSubscriptions({
      kick: { client_id: GUILDHALL_KICK_CLIENT_ID, client_secret: GUILDHALL_KICK_CLIENT_SECRET, oauth: GUILDHALL_KICK_OAUTH_URL, api: GUILDHALL_KICK_API_URL },
    });
    const events = 4; // of each channel
    for (let i = 0; i < 50 && !((await kick.list())?.length >= events * channels); ++i) await sleep(100);
  }
}

/** Rows of the bot's database, read from outside. */
export const query = (dataDir, sql) => queryFile(join(dataDir, 'guildhall.db'), sql);

export async function queryFile(file, sql) {
  // Whoever opens a file first whose program was killed sets it right, and the others wait.
  const result = await run(['-json', '-cmd', '.timeout 10000', file, sql], { program: 'sqlite3' });
  if (result.code !== 0) throw new Error(`sqlite3: ${result.stderr}`);
  return result.stdout.trim() === '' ? [] : JSON.parse(result.stdout);
}
