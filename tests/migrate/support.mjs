// Databases that are not Guildhall's, and the tool run on them.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { queryFile, run, start, temporaryFolder } from '../support/guildhall.mjs';
import { startPostgres } from '../support/postgres.mjs';
import { check } from './answers.mjs';

export const samples = fileURLToPath(new URL('./samples', import.meta.url));

let server;
let count = 0;
/** One server for all of these tests. */
export const postgres = () => (server ??= startPostgres());

/** A database with a folder for its migrations: {url, dir, write, query, execute, migrate, begin}. */
export class Project {
  static async onPostgres(server = postgres()) {
    const pg = await server;
    const name = `project_${(count += 1)}`;
    await pg.execute('postgres', `CREATE DATABASE ${name} OWNER operator`);
    const project = new Project(pg.url('operator', name));
    project.name = name;
    project.query = (sql) => pg.query(name, sql);
    project.execute = (sql) => pg.execute(name, sql, 'operator');
    return project;
  }
  static onSqlite(file = join(temporaryFolder(), 'app.db')) {
    const project = new Project(`sqlite:${file}`);
    project.file = file;
    project.query = (sql) => queryFile(file, sql);
    project.execute = async (sql) => {
      const result = await run(['-cmd', '.timeout 10000', file, sql], { program: 'sqlite3' });
      assert.equal(result.code, 0, result.stderr);
    };
    return project;
  }

  constructor(url) {
    this.url = url;
    this.dir = join(temporaryFolder(), 'migrations');
    this.backups = join(temporaryFolder(), 'backups');
    mkdirSync(this.dir);
  }
  write(name, text) {
    writeFileSync(join(this.dir, name), text);
  }
  use(sample) {
    cpSync(join(samples, sample), this.dir, { recursive: true, force: true });
  }
  arguments(command, ...more) {
    const words = Array.isArray(command) ? command : [command];
    // Without a directory it is the address that says: not Guildhall's own.
    const files = ['unlock', 'backup', 'restore', 'prune'].includes(words[0]) ? ['--url', this.url] : ['--dir', this.dir];
    const backups = (['status', 'up', 'down', 'resume', 'backup', 'prune', 'doctor'].includes(words[0]) || more.includes('--backups')) && !more.includes('--no-backup') ? ['--backup-dir', this.backups] : [];
    return ['migrate', ...words, ...files, ...backups, ...more];
  }
  environment() {
    return { DATABASE_URL: this.url };
  }
  /** Runs it to its end: {code, stdout, stderr}. */
  migrate(command, ...more) {
    return run(this.arguments(command, ...more), { env: this.environment() });
  }
  async json(command, ...more) {
    const result = await this.migrate(command, ...more, '--json');
    const lines = result.stdout.trim().split('\n');
    assert.equal(lines.length, 1, `not one object: ${result.stdout}`);
    const answer = JSON.parse(lines[0]);
    check([command].flat()[0], answer, result.code);
    return { ...result, answer };
  }
  begin(command, ...more) {
    return start(this.arguments(command, ...more), { env: this.environment() });
  }
  /** "0000_first applied", ... */
  async states() {
    const { answer } = await this.json('status');
    return answer.migrations.map(({ name, state }) => `${name} ${state}`);
  }
}

export const projects = [
  ['PostgreSQL', () => Project.onPostgres()],
  ['SQLite', async () => Project.onSqlite()],
];
