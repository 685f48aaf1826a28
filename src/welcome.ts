import type { Config } from './config.ts'
import type { Parts } from './parts.ts'

/** What the terminal shows when the server is ready. Makes the first API key and the setup link, which are shown only here. */
export async function welcome(
  config: Config,
  { gateway, keys, sessions }: Parts,
  url: string,
): Promise<string> {
  const lines = [['Pictor is running at', url]]
  if (config.authentication === 'off') lines.push(['API key', 'none needed (AUTH=off)'])
  else if (!(await keys.any())) {
    const { secret } = await keys.create({ name: 'first key' })
    lines.push(['API key', `${secret}   (shown only now; keep it)`])
  }
  lines.push(['Admin link', `${url}/admin?setup=${await sessions.issueSetupToken()}   (works once)`])
  const names = gateway.providers.all.map((provider) => provider.name)
  const hint = 'demo painter (set OPENAI_API_KEY or GEMINI_API_KEY for a real one)'
  if (names.length === 1) lines.push(['Upstream', hint])
  else lines.push(['Upstreams', names.join(', ')])
  const width = Math.max(...lines.map(([label = '']) => label.length))
  return `\n${lines.map(([label = '', value]) => `  ${label.padEnd(width)}   ${value}`).join('\n')}\n\n`
}
