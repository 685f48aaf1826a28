import type { StoredImage } from '../../../contract/image.ts'
import type { Check } from './health.ts'

export interface HomePage {
  version: string
  healthy: boolean
  checks: Record<string, Check>
  /** How many models can be asked. */
  models: number
  /** The newest pictures; undefined for a visitor who is not signed in. */
  images: readonly StoredImage[] | undefined
}

/** One plain page: what this is, whether it is well, and for the admin the last pictures. No script. */
export function homePage({ version, healthy, checks, models, images }: HomePage): string {
  const problems = Object.entries(checks).filter(([, check]) => !check.ok)
  const state = healthy
    ? `Healthy, ${models} ${models === 1 ? 'model' : 'models'}`
    : `Not healthy: ${problems.map(([name, check]) => `${name}: ${check.detail}`).join('; ')}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pictor</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<h1>Pictor</h1>
<p class="state ${healthy ? 'well' : 'ill'}">${escapeHtml(state)}</p>
</header>
<p class="lead">A gateway and library for AI images. Point any OpenAI client at <code>/v1</code>; every picture it draws is kept here.</p>
<nav><a href="/docs">API reference</a><a href="/openapi.json">OpenAPI</a><a href="/v1/models">Models</a><a href="/health">Health</a></nav>
${images === undefined ? SIGNED_OUT : gallery(images)}
</main>
<footer>Version ${escapeHtml(version)}</footer>
</body>
</html>
`
}

const SIGNED_OUT = `<section class="note"><p>The pictures are for the admin. <a href="/admin">Sign in</a>.</p></section>`

function gallery(images: readonly StoredImage[]): string {
  if (images.length === 0) {
    return `<section class="note"><p>No pictures yet. The first one that a client asks for will appear here.</p></section>`
  }
  return `<section class="wall" aria-label="The last pictures">${images.map(tile).join('')}</section>`
}

function tile({ id, prompt, width, height, model }: StoredImage): string {
  const title = escapeHtml(prompt === '' ? model : prompt)
  return `<a href="/images/${id}"><img src="/images/${id}/thumbnail" alt="${title}" title="${title}" width="${width}" height="${height}" loading="lazy"></a>`
}

const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)

/** What every page looks like. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #f7f6f4; --ink: #1b1a18; --muted: #6b6762; --soft: #efedea; --accent: #b83b28; }
@media (prefers-color-scheme: dark) { :root { --ground: #121211; --ink: #f2f0ec; --muted: #a39e98; --soft: #242322; --accent: #e0604b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.6 system-ui, "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 56px 24px 24px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; }
h1 { margin: 0; font-size: 28px; font-weight: 650; letter-spacing: -0.02em; }
.state { margin: 0; color: var(--muted); }
.state::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 8px; border-radius: 50%; background: #3f8f5b; }
.state.ill::before { background: var(--accent); }
.lead { margin: 12px 0 20px; max-width: 62ch; color: var(--muted); }
code { padding: 2px 6px; border-radius: 6px; background: var(--soft); font-size: 13px; }
nav { display: flex; flex-wrap: wrap; gap: 8px 20px; margin-bottom: 32px; }
a { color: inherit; text-underline-offset: 3px; text-decoration-color: var(--muted); }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 4px; }
.wall { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(220px, 44%), 1fr)); gap: 6px; }
.wall img { display: block; width: 100%; height: auto; aspect-ratio: 1; object-fit: cover; border-radius: 10px; background: var(--soft); }
.note { padding: 28px; border-radius: 12px; background: var(--soft); color: var(--muted); }
.note p { margin: 0; }
footer { padding: 24px; text-align: center; color: var(--muted); font-size: 13px; }
`
