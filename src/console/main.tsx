// The entry of the console's pages.

import { render } from 'preact';

const root = document.querySelector('#console');
if (root !== null) render(<h1>Tollgate</h1>, root);
