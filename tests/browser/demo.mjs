// The demo world as a process of its own, and the command line beside it.
import { freePort, http, run, start, temporaryFolder, until } from '../support/guildhall.mjs';

export class Demo {
  static async start(options) {
    const demo = new Demo();
    Object.assign(demo, options, { dataDir: temporaryFolder(), port: await freePort() });
    demo.url = `http://127.0.0.1:${demo.port}`;
    await demo.begin();
    return demo;
  }

  /**
   * Starts the world, or starts it again after `stop`. `address` is the printed one, with its one-time code; `control`
   * that of the simulated platforms.
   */
  async begin() {
    this.process = start([
      ...['demo', '--listen', `127.0.0.1:${this.port}`, '--data-dir', this.dataDir],
      ...['--speed', String(this.speed), '--rate', String(this.rate), '--json'],
    ]);
    const printed = await until('the demo to print its address', () => {
      if (this.process.child.exitCode !== null) throw new Error(`it ended: ${this.process.stderr()}`);
      return /^\{.*\}$/m.exec(this.process.stdout())?.[0];
    });
    const { url, control } = JSON.parse(printed);
    Object.assign(this, { address: url, control });
  }

  stop() {
    return this.process.stop();
  }

  async command(...args) {
    const result = await run([...args, '--data-dir', this.dataDir]);
    if (result.code !== 0) throw new Error(`${args.join(' ')}: ${result.stderr}`);
    return result.stdout;
  }

  async commandJson(...args) {
    return JSON.parse(await this.command(...args, '--json'));
  }

  /** The simulated platforms as they are. */
  look(path) {
    return this.#ask('GET', path);
  }

  /** Lets something happen on them. */
  act(path, body = {}) {
    return this.#ask('POST', path, body);
  }

  set(server, key, value) {
    return this.command('settings', 'set', '--server', server, key, value);
  }

  async #ask(method, path, body) {
    const { status, json, text } = await http(method, this.control + path, body);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${text}`);
    return json;
  }
}
