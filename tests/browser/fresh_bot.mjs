// A bot that nobody has set up yet, beside platforms on which nobody does anything unasked. It is spoken to as the demo.
import { Bot, freePort, simEnvironment, startSim, temporaryFolder, until } from '../support/guildhall.mjs';

export class FreshBot extends Bot {
  /** `speed`: how fast the world's time goes. */
  static async start(speed) {
    const clock = ['--sim-clock', `${speed}:${Math.floor(Date.now() / 1000)}`];
    const sim = await startSim(clock);
    const port = await freePort();
    await sim.post('/kick/webhook', { url: `http://127.0.0.1:${port}/webhooks/kick` });
    const bot = new FreshBot({ dataDir: temporaryFolder(), port, env: simEnvironment(sim.contract), args: clock });
    bot.sim = sim;
    bot.begin();
    await bot.ready();
    await until('the servers to arrive', async () => (await bot.commandJson('server', 'list')).servers.length === 3);
    return bot;
  }

  async stop() {
    await this.process.stop();
    await this.sim.stop();
  }

  look(path) {
    return this.sim.get(path);
  }

  act(path, body) {
    return this.sim.post(path, body);
  }
}
