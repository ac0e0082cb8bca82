// Where a program's CPU time goes, by room: a flame graph, and a table of shares.
//
//   perf script -i perf.data | node bench/flame_graph.mjs "title" graph.svg
//
// Of each stack it keeps the project's own functions and, at its end, the library or system call that was at
// work for them. A sample belongs to the room of the innermost function of ours.
import { createInterface } from "node:readline";
import { writeFileSync } from "node:fs";

// By namespace; what is in none of them is of base.
const rooms = {
  discord: ["discord", "#5865f2"],
  kick: ["kick", "#3fa34d"],
  bot: ["bot", "#e07a3f"],
  features: ["features", "#d64550"],
  tenancy: ["tenancy", "#a05195"],
  store: ["store", "#2f8f9d"],
  net: ["net", "#7a8b3c"],
  web: ["web", "#b08a2e"],
  cli: ["cli", "#888888"],
  base: ["base", "#8d6e63"],
};
const libraries = [
  [/libsqlite3/, "SQLite"],
  [/libpq/, "libpq"],
  [/libcrypto|libssl/, "OpenSSL"],
  [/libboost_json/, "Boost.JSON"],
  [/libc\.so|libstdc\+\+|libm\.so/, "C library"],
  [/libzstd|libz\.so/, "inflate"],
];

function roomOf(name) {
  if (!name.startsWith("guildhall::")) return undefined;
  return rooms[name.split("::")[1]] ? name.split("::")[1] : "base";
}

/** Without arguments, template arguments and what the compiler adds. */
function plainName(symbol) {
  let name = symbol.replace(/\+0x[0-9a-f]+$/, "").replace(/ ?\[clone [^\]]*\]/g, "").replace(/\[abi:\w+\]/g, "").replace(/\(anonymous namespace\)::/g, "");
  for (let before = ""; before !== name; ) [before, name] = [name, name.replace(/<[^<>]*>/g, "").replace(/\([^()]*\)( const)?/g, "")];
  return name.replace(/::(?:'lambda\d*'|\{lambda#\d+\}|\$_\d+)/g, "").replace(/::operator$/, "").trim().split(" ").pop();
}

/** The system call that the kernel is in, or nothing. */
function systemCall(frames) {
  const entry = frames.find(({ symbol }) => /^__(x64|se)_sys_/.test(symbol) || /^__sys_(recv|send)/.test(symbol));
  return entry?.symbol.replace(/^__((x64|se)_)?sys_/, "").replace(/\+.*/, "");
}

/** Frames of one sample, innermost first, into a path, outermost first. */
function pathOf(frames) {
  const path = [];
  for (const { symbol } of [...frames].reverse()) {
    const name = plainName(symbol);
    if (roomOf(name) && path.at(-1) !== name) path.push(name);
  }
  const inner = frames[0];
  const call = systemCall(frames);
  const library = libraries.find(([file]) => file.test(inner.file));
  if (call || /kernel|^\[/.test(inner.file)) path.push(`kernel: ${call ?? "other"}`);
  else if (library) path.push(library[1]);
  else if (/boost::(asio|beast)/.test(inner.symbol)) path.push("Asio and Beast");
  return path;
}

async function readSamples(input) {
  const samples = [];
  let frames;
  for await (const line of createInterface({ input })) {
    const frame = /^\s+[0-9a-f]+ (.*) \((.*)\)\s*$/.exec(line);
    if (frame) frames?.push({ symbol: frame[1], file: frame[2] });
    else if (/^\S/.test(line)) samples.push((frames = []));
  }
  return samples.filter((sample) => sample.length > 0).map(pathOf);
}

function tree(paths) {
  const root = { name: "all", count: paths.length, inner: new Map() };
  for (const path of paths) {
    let node = root;
    for (const name of path) {
      if (!node.inner.has(name)) node.inner.set(name, { name, count: 0, inner: new Map() });
      node = node.inner.get(name);
      ++node.count;
    }
  }
  return root;
}

function shares(paths) {
  const counts = new Map();
  for (const path of paths) {
    const room = path.map(roomOf).findLast((found) => found) ?? "the loop itself";
    counts.set(room, (counts.get(room) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([room, count]) => [room, count / paths.length]);
}

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
const percent = (share) => `${(100 * share).toFixed(1)} %`;

function draw(title, root) {
  const width = 1200, row = 18, least = 0.002, boxes = [];
  let depth = 0;
  const place = (node, x, level) => {
    if (node.count / root.count < least) return;
    depth = Math.max(depth, level);
    boxes.push({ node, x, level, w: (width * node.count) / root.count });
    for (const inner of [...node.inner.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      place(inner, x, level + 1);
      x += (width * inner.count) / root.count;
    }
  };
  place(root, 0, 0);
  const height = 70 + (depth + 1) * row;
  const box = ({ node, x, level, w }) => {
    const room = roomOf(node.name);
    const fill = room ? rooms[room][1] : node.name.startsWith("kernel") ? "#5a5f66" : "#9aa0a6";
    const y = height - 10 - (level + 1) * row;
    const label = node.name.replace(/^guildhall::/, "");
    const fits = Math.floor((w - 6) / 6.4);
    const text = fits < 3 ? "" : `<text x="${(x + 3).toFixed(1)}" y="${y + 13}">${escape(label.length > fits ? label.slice(0, fits - 1) + "…" : label)}</text>`;
    return `<g><title>${escape(label)}: ${percent(node.count / root.count)}</title><rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(w - 0.5, 0.5).toFixed(1)}" height="${row - 1}" fill="${fill}"/>${text}</g>`;
  };
  const used = new Set(boxes.map(({ node }) => roomOf(node.name)).filter(Boolean));
  const legend = [...used].sort().map((room, i) => `<rect x="${10 + i * 95}" y="36" width="12" height="12" fill="${rooms[room][1]}"/><text x="${26 + i * 95}" y="46" fill="#222">${room}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="11" fill="#fff">
<rect width="${width}" height="${height}" fill="#f7f7f5"/>
<text x="10" y="22" font-size="14" fill="#222">${escape(title)}</text>
${legend.join("")}
${boxes.map(box).join("\n")}
</svg>
`;
}

const [title, file] = process.argv.slice(2);
if (!file) {
  console.error('usage: perf script -i perf.data | node bench/flame_graph.mjs "title" graph.svg');
  process.exit(2);
}
const paths = await readSamples(process.stdin);
if (paths.length === 0) {
  console.error("flame_graph: no samples on standard input");
  process.exit(1);
}
writeFileSync(file, draw(title, tree(paths)));
console.log(`${title}: ${paths.length} samples`);
for (const [room, share] of shares(paths)) console.log(`  ${room.padEnd(16)} ${percent(share)}`);
