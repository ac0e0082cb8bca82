// A PostgreSQL server of the tests' own (tools/private_postgres.sh), and ways to look into it from outside.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, start, temporaryFolder } from './guildhall.mjs';

const tool = join(root, 'tools/private_postgres.sh');
const programs = '/usr/lib/postgresql/15/bin';

/** Starts a server, with its data in this folder, that ends with the test that started it. */
export async function startPostgres(folder = temporaryFolder()) {
  const call = async (action) => {
    const result = await run([action, folder], { program: tool });
    if (result.code !== 0) throw new Error(`private_postgres.sh ${action}: ${result.stderr}`);
    return result.stdout.trim();
  };
  const admin = await call('start');
  // First: the folder goes with the others, and then nobody can name the server to stop it.
  process.prependListener('exit', () => {
    try {
      execFileSync(tool, ['stop', folder], { stdio: 'ignore' });
    } catch {
      // It had ended before.
    }
  });
  const url = (login, database) => `postgres://${login}@${folder.replaceAll('/', '%2F')}/${database}`;
  return {
    admin,
    url,
    folder,
    log: join(folder, 'log'),
    kill: () => call('kill'),
    restart: () => call('restart'),
    stop: () => call('stop'),
    /** Its processes; none when it has ended. */
    pids: () => processesOf(folder),
    /** A program of PostgreSQL: pg_dump, pg_restore. */
    program: (name, args) => run(args, { program: join(programs, name) }),
    /** SQL as the superuser, or as whoever `login` is; rows as objects. */
    async query(database, sql, login = 'postgres') {
      const text = `SELECT coalesce(json_agg(row), '[]') FROM (${sql}) row`;
      return JSON.parse((await psql(url(login, database), ['-c', 'SET search_path TO guildhall, public', '-c', text])).stdout);
    },
    execute: (database, sql, login = 'postgres') => psql(url(login, database), ['-c', sql]),
    /** A session that goes on with its SQL until it is stopped. */
    begin: (database, sql) => start(['-XAtq', '-c', sql, url('postgres', database)], { program: join(programs, 'psql') }),
    script: (file, database) => psql(url('operator', database), ['-f', file]),
  };

  async function psql(address, args) {
    const result = await run(['-XAtq', '-v', 'ON_ERROR_STOP=1', ...args, address], { program: join(programs, 'psql') });
    if (result.code !== 0) throw new Error(`psql: ${result.stderr}`);
    return result;
  }
}

function processesOf(folder) {
  try {
    const postmaster = readFileSync(join(folder, 'data/postmaster.pid'), 'utf8').split('\n')[0];
    if (!existsSync(`/proc/${postmaster}`)) return [];
    const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ').filter(Boolean);
    return [postmaster, ...children].map(Number);
  } catch {
    return [];
  }
}

/** The addresses as `guildhall setup postgres` made them, for the environment of the others. */
export async function setUp(postgres, database, admin = postgres.admin, extra = []) {
  const result = await run(['setup', 'postgres', '--url', admin, '--database', database, '--json', ...extra]);
  if (result.code !== 0) throw new Error(`setup: ${result.stderr}`);
  const { database: addresses } = JSON.parse(result.stdout);
  return {
    GUILDHALL_DATABASE_URL: addresses.url ?? postgres.url('guildhall_app', database),
    GUILDHALL_DATABASE_TICK_URL: addresses.tick_url ?? postgres.url('guildhall_tick', database),
    GUILDHALL_DATABASE_MIGRATE_URL: addresses.migrate_url ?? postgres.url('guildhall_migrate', database),
  };
}
