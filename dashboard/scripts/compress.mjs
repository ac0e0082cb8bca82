// Writes FILE.gz beside every text file of dist/, so that the server need not compress.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';

const TEXT = /\.(html|js|css|svg|json)$/;

function compress(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) compress(path);
    else if (TEXT.test(entry.name)) writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
  }
}

compress(fileURLToPath(new URL('../dist', import.meta.url)));
