// The three layouts of the database, for tests that look into it from outside.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { query, queryFile } from './guildhall.mjs';
import { setUp, startPostgres } from './postgres.mjs';

let shared;
/** The PostgreSQL server of the tests that do it no harm. */
const sharedPostgres = () => (shared ??= startPostgres());

let databases = 0;

/**
 * `open` gives what a bot on this layout has in its environment, the address of its database, and a query that
 * reads all of its files. In the rows of a query on files stand those of one server after those of another: sums
 * are the caller's. `common` reads what belongs to no server. `megabytes`: of a disk that has room for it and not for
 * much more.
 */
export const layouts = [
  {
    name: 'one file',
    storage: 'sqlite',
    megabytes: 48,
    open: async ({ dataDir }) => {
      const read = (sql) => query(dataDir, sql);
      return { env: {}, address: `sqlite:${dataDir}/guildhall.db`, read, common: read };
    },
  },
  {
    name: 'a file per server',
    storage: 'sqlite-per-server',
    megabytes: 64,
    open: async ({ dataDir }) => ({
      env: { GUILDHALL_DATABASE_URL: 'sqlite-per-server:servers' },
      address: `sqlite-per-server:${dataDir}/servers`,
      read: (sql) => queryServerFiles(join(dataDir, 'servers'), sql),
      common: (sql) => queryFile(join(dataDir, 'servers', 'directory.db'), sql),
    }),
  },
  {
    name: 'PostgreSQL',
    storage: 'postgres',
    megabytes: 224,
    open: async ({ postgres }) => {
      const server = postgres ?? (await sharedPostgres());
      const database = `tests_${process.pid}_${(databases += 1)}`;
      const env = await setUp(server, database);
      const read = (sql) => server.query(database, sql);
      return { env, address: env.GUILDHALL_DATABASE_URL, read, common: read, postgres: server, database };
    },
  },
];
export const [oneFile, filePerServer, onPostgres] = layouts;

/** The layout that the tests run on which are the same on each: one file, or what GUILDHALL_TEST_STORAGE names. */
export function testedLayout() {
  const storage = process.env.GUILDHALL_TEST_STORAGE ?? 'sqlite';
  const found = layouts.find((layout) => layout.storage === storage);
  if (!found) throw new Error(`GUILDHALL_TEST_STORAGE: unknown layout ${storage}`);
  return found;
}

async function queryServerFiles(folder, sql) {
  const files = readdirSync(join(folder, 'servers')).filter((name) => name.endsWith('.db'));
  const rows = await Promise.all(files.map((name) => queryFile(join(folder, 'servers', name), sql)));
  return rows.flat();
}

export const sum = (rows, column) => rows.reduce((total, row) => total + (row[column] ?? 0), 0);
