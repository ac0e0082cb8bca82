// Journeys: the binary as its users meet it, from outside, over HTTP and the command line.
import './first_use.mjs';
import './each_layout.mjs';
import './isolation.mjs';
import './bad_input.mjs';
import './move.mjs';
import './postgres.mjs';
import './adopt.mjs';
import './load.mjs';
import './discord.mjs';
import './setup.mjs';
