// The journeys that are the same on each layout of the database: `./test --all` goes them on all three.
import './operator.mjs';
import './bad_chat.mjs';
import './bad_webhooks.mjs';
import './channels.mjs';
import './linking.mjs';
