// A disk that can be filled. Where nothing may be mounted, a limit on the size of files stands in for it: then
// the processes that write there cannot write behind the first 4 KiB of any file.
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function mount(folder, megabytes) {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Writes until nothing more fits. */
function writeAll(file) {
  const out = openSync(file, 'a');
  try {
    for (const size of [1 << 20, 1 << 12]) {
      const chunk = Buffer.alloc(size);
      try {
        while (writeSync(out, chunk) > 0);
      } catch (error) {
        if (error.code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(out);
  }
}

/** Another user's process is only that user's to limit, unless one may do everything. */
function limitFileSize(pid, soft) {
  try {
    const { uid, gid } = statSync(`/proc/${pid}`);
    const limit = ['prlimit', `--pid=${pid}`, `--fsize=${soft}:`];
    const [program, ...args] = uid === process.getuid() ? limit : ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...limit];
    execFileSync(program, args, { stdio: 'ignore' });
  } catch (error) {
    if (alive(pid)) throw error;
  }
}

/** Whoever still writes there would go on without a name to be stopped by. */
function endWriters(writers) {
  try {
    for (const pid of writers()) process.kill(pid, 'SIGKILL');
  } catch {
    // They have not begun, or have ended.
  }
}

const alive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

/** `writers` names the processes that write there: their pids. `limited`: no mount is tried. */
export function smallDisk(t, megabytes, { writers, limited = false }) {
  const folder = mkdtempSync(join(tmpdir(), 'guildhall-disk-'));
  const mounted = !limited && mount(folder, megabytes);
  const place = join(folder, 'data');
  chmodSync(folder, 0o755); // the database's user goes through it
  mkdirSync(place);
  const filler = join(folder, 'filler');
  let refill;
  const free = () => {
    clearInterval(refill);
    refill = undefined;
    if (mounted) {
      rmSync(filler, { force: true });
    } else {
      for (const pid of writers()) limitFileSize(pid, 'unlimited');
    }
  };
  const fillOnce = () => {
    if (mounted) return writeAll(filler);
    for (const pid of writers()) limitFileSize(pid, 4_096);
  };
  const end = () => {
    if (refill !== undefined) clearInterval(refill);
    endWriters(writers);
    if (mounted) execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
    rmSync(folder, { recursive: true, force: true });
  };
  const atExit = () => end();
  process.on('exit', atExit);
  t.after(() => {
    process.removeListener('exit', atExit);
    end();
  });
  return {
    folder: place,
    kind: mounted ? 'tmpfs' : 'limit on the size of files',
    mounted,
    /** Full from now on, also when something is given back meanwhile. */
    fill() {
      fillOnce();
      refill = setInterval(fillOnce, 50);
    },
    free,
  };
}
