// `npm start`: sets up what is missing, then becomes the server.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { become } from './become.mjs'
import { buildConsole, nodeArguments, root, setUp } from './setup.mjs'

const node = setUp()
await buildConsole(node)
// Only where there is one: Node says so each time when there is not.
const settings = existsSync(join(root, '.env')) ? ['--env-file=.env'] : []
await become(node, [...nodeArguments, ...settings, 'src/main.ts', ...process.argv.slice(2)])
