// `node scripts/run.mjs file.ts …`: runs a TypeScript file with a Node that can.

import { become } from './become.mjs'
import { nodeArguments, setUp } from './setup.mjs'

await become(setUp(), [...nodeArguments, ...process.argv.slice(2)])
