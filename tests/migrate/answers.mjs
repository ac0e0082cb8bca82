// What `--json` answers is a contract: docs/schemas/migrate/COMMAND.json. Every answer that these tests get is held
// against it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { root } from '../support/guildhall.mjs';

const folder = join(root, 'docs/schemas/migrate');
const ajv = new Ajv({ strict: true, strictRequired: false, strictTypes: false, allErrors: true });
const files = readdirSync(folder).sort();
for (const file of files) ajv.addSchema(JSON.parse(readFileSync(join(folder, file), 'utf8')), file);

/** Those that have a schema. */
export const commands = files.map((file) => file.slice(0, -5)).filter((name) => name !== 'common');

/** How many answers of each command were held against its schema: [good, bad]. */
export const seen = Object.fromEntries(commands.map((command) => [command, [0, 0]]));

/** What is wrong with an answer; "" when nothing is. */
export function wrong(command, answer) {
  const validate = ajv.getSchema(`${command}.json`);
  if (!validate) return `there is no schema for ${command}`;
  if (validate(answer)) return '';
  return validate.errors.map(({ instancePath, message, params }) => `${instancePath || '/'} ${message} ${JSON.stringify(params)}`).join('\n');
}

/** Throws where it is not as its schema says, or `ok` and `exit` are not as the process ended. */
export function check(command, answer, code) {
  const what = wrong(command, answer);
  if (what) throw new Error(`the answer of ${command} is not as docs/schemas/migrate/${command}.json says:\n${what}\n${JSON.stringify(answer)}`);
  if ('exit' in answer && answer.exit !== code) throw new Error(`${command} says exit ${answer.exit} and ended with ${code}`);
  seen[command][answer.ok ? 0 : 1] += 1;
}
