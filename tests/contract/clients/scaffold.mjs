// What the tests with other people's clients share: a simulation of their own, and waiting for events.
import assert from 'node:assert/strict';
import { startSim } from '../../support/guildhall.mjs';

export { until } from '../../support/guildhall.mjs';

/** A simulation with its world; `people` are those of a server who may be anybody: neither its owner nor the bot. */
export async function simulate() {
  const sim = await startSim();
  const world = await sim.get('/world');
  for (const server of world.servers) server.people = server.members.filter(({ id }) => id !== server.owner && id !== world.bot).map(({ id }) => id);
  return { sim, world, ...watching(sim) };
}

/** The first value of an event that fits. */
export const heard = (client, event, fits = () => true, seconds = 20) =>
  new Promise((done, fail) => {
    const patience = setTimeout(() => fail(new Error(`${event} did not come within ${seconds} s`)), seconds * 1000);
    const listen = (...values) => {
      if (!fits(...values)) return;
      clearTimeout(patience);
      client.off(event, listen);
      done(values[0]);
    };
    client.on(event, listen);
  });

function watching(sim) {
  return {
    /** What stands in a channel, or in all of a server. */
    texts: async (guild, channel) => {
      const messages = await sim.get(`/discord/messages?guild=${guild}${channel ? `&channel=${channel}` : ''}`);
      return messages.map(({ content }) => content);
    },
    recorded: async (id) => (await sim.get(`/discord/interactions?id=${id}`))[0],
    /** A person runs a command or clicks; what the client hears of it by `event`. */
    interaction: async (client, event, path, body) => {
      const coming = heard(client, event);
      const { interaction: id } = await sim.post(path, body);
      const given = await coming;
      assert.equal(given.id, id);
      return given;
    },
  };
}
