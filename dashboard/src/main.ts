// The dashboard: static files that the binary serves, talking to the API of src/web/openapi.yaml.
//
//   api/         requests and their errors, the session; the only place that fetches data
//   live/        one stream of changes per browser; resources fetch again what has changed
//   i18n/        every text (en.json, de.json), numbers and times in the chosen language
//   components/  what several pages are made of; pages/ the pages and their addresses
//   features/    the parts of a server's page, one folder per feature as in src/features
//
// It shows within a second what has changed, says so when it cannot, and keeps nothing but theme and
// language. It never writes member text as anything but text and never loads from another origin.
import './app.css';
import './components/theme.svelte';

import { mount } from 'svelte';

import App from './App.svelte';

mount(App, { target: document.getElementById('app')! });
