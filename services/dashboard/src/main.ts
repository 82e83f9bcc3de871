import 'uplot/dist/uPlot.min.css';
import './style/tokens.css';
import './style/page.css';
import './style/grid.css';
import './style/detail.css';
import { h, render } from 'preact';
import { createApi } from './api.ts';
import { Store } from './store.ts';
import { App } from './view/app.tsx';

const store = new Store({
  api: createApi(document.baseURI),
  monotonic: () => performance.now(),
  location: window.location,
  history: window.history,
});
window.addEventListener('popstate', () => store.readUrl());
const root = document.getElementById('app');
if (root !== null) render(h(App, { store }), root);
store.start();
