// `node scripts/operate.mjs file.ts …`: runs a command for the operator, with the same settings as the server.

import { become } from './become.mjs'
import { nodeArguments, settingsArguments, setUp } from './setup.mjs'

await become(setUp(), [...nodeArguments, ...settingsArguments(), ...process.argv.slice(2)])
