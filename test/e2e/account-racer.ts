// A process of its own that takes pictures from the accounts of a database: `node account-racer.ts <url> <provider> <attempts>`.
import { systemClock } from '../../src/base/clock.ts'
import { connect } from '../../src/db/connect.ts'
import { openTestAccounts, providerOf, reserve } from '../../src/providers/accounts/testing.ts'

const [url = '', name = '', attempts = '0'] = process.argv.slice(2)
const database = await connect(url)
const provider = providerOf(name, 'key-1', 'key-2', 'key-3', 'key-4', 'key-5')
const accounts = await openTestAccounts({
  ...{ database, providers: [provider], clock: systemClock },
  policy: { strategy: 'hybrid', dailyLimit: 10 },
})
process.stdout.write('ready\n')
process.stdin.once('data', async () => {
  const all = await Promise.all(Array.from({ length: Number(attempts) }, () => reserve(accounts, provider)))
  const granted = all.flatMap(({ secret }) => secret ?? [])
  await accounts.close()
  await database.close()
  process.stdout.write(`${JSON.stringify(granted)}\n`)
  process.exit()
})
