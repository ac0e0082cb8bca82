// Faults: the bot and its database are killed at random moments under load, and where Kick has given what is not kept yet,
// the disk is full, one server makes a noise, processes that share Discord's shards come and go, Discord leads into each of
// its traps, and every message of the platforms is repeated, delayed and reordered. The simulation is the witness: what it
// was answered 200 for, and the totals that follow from its own record, must be in the database.
import './kills.mjs';
import './consents.mjs';
import './platform_faults.mjs';
import './disk_full.mjs';
import './noisy_server.mjs';
import './shards.mjs';
