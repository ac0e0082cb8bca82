// Journeys: the binary as its users meet it, from outside, over HTTP and the command line.
import './first_use.mjs';
import './operator.mjs';
import './isolation.mjs';
import './bad_input.mjs';
import './bad_chat.mjs';
import './bad_webhooks.mjs';
import './move.mjs';
import './postgres.mjs';
