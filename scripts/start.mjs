// `npm start`: sets up what is missing, then becomes the server.

import { become } from './become.mjs'
import { buildConsole, nodeArguments, settingsArguments, setUp } from './setup.mjs'

const node = setUp()
await buildConsole(node)
await become(node, [...nodeArguments, ...settingsArguments(), 'src/main.ts', ...process.argv.slice(2)])
