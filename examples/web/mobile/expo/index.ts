// SPDX-License-Identifier: MIT

import { registerRootComponent } from 'expo';
import { createElement } from 'react';
import { App } from '../src/app.tsx';
import { platform } from './platform.ts';

registerRootComponent(() => createElement(App, { platform }));
