// `npm start`: sets up what is missing, then becomes the server.

import { become } from './become.mjs'
import { buildConsole, nodeArguments, setUp } from './setup.mjs'

const node = setUp()
await buildConsole(node)
await become(node, [...nodeArguments, '--env-file-if-exists=.env', 'src/main.ts', ...process.argv.slice(2)])
