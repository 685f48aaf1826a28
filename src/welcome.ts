import type { AdminAccess } from './access/admin-access.ts'
import type { Config } from './config.ts'
import type { Parts } from './parts.ts'

/**
 * What the terminal shows when the server is ready. Makes the first API key, and as long as there is no admin account the
 * link to make it, which are shown only here.
 */
export async function welcome(
  config: Config,
  { gateway, keys, access }: Parts,
  url: string,
): Promise<string> {
  const lines = [['Pictor is running at', url]]
  if (config.authentication === 'off') lines.push(['API key', 'none needed (AUTH=off)'])
  else if (!(await keys.any())) {
    const { secret } = await keys.create({ name: 'first key' })
    lines.push(['API key', `${secret}   (shown only now; keep it)`])
  }
  lines.push(await adminLine(access, url))
  const names = gateway.providers.inUse.map((provider) => provider.name)
  const hint = 'demo painter (set OPENAI_API_KEY or GEMINI_API_KEY for a real one)'
  if (names.length === 1) lines.push(['Upstream', hint])
  else lines.push(['Upstreams', names.join(', ')])
  const width = Math.max(...lines.map(([label = '']) => label.length))
  return `\n${lines.map(([label = '', value]) => `  ${label.padEnd(width)}   ${value}`).join('\n')}\n\n`
}

async function adminLine({ admins, setupTokens }: AdminAccess, url: string): Promise<[string, string]> {
  if (await admins.any()) return ['Admin', `sign in at ${url}/admin`]
  return ['Admin link', `${url}/admin?setup=${await setupTokens.issue()}   (to make the account; works once)`]
}
