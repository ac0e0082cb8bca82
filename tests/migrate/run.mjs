// `guildhall migrate` as its users meet it: processes of their own on PostgreSQL and SQLite, that are killed, raced,
// given wrong input, and read by machines.
import './sample_set.mjs';
import './known_states.mjs';
import './rivals.mjs';
import './kills.mjs';
import './backups.mjs';
import './doctor.mjs';
import './pooler.mjs';
import './released.mjs';
import './wrong_input.mjs';
import './fleet.mjs';
import './phases.mjs';
import './full_disk.mjs';
import './schemas.mjs';
